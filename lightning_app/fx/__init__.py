"""Detectors that are not Darknet's: any module that `torch.fx` can trace, with Darknet's heads behind it.

trace (a module's operations, none of which overwrites its input) → trial (they give what the module gives) →
operation (one of them as a layer) → detector.
"""

from lightning_app.fx.detector import TracedDetector

__all__ = ["TracedDetector"]
