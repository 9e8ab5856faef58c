"""Graphs of layers that can be cut in two anywhere, and what a detector must offer so that this program splits it.

node (a layer) → run (layers in order) → cut (the tensors to send) → detector (`SplitDetector`). Knows no Darknet and no
Lightning.
"""

from lightning_app.graph.cut import Passthrough, Split, between
from lightning_app.graph.detector import Detections, SplitDetector, Truth
from lightning_app.graph.node import IMAGE, Node, Shape
from lightning_app.graph.run import Part, run

__all__ = [
    "IMAGE",
    "Detections",
    "Node",
    "Part",
    "Passthrough",
    "Shape",
    "Split",
    "SplitDetector",
    "Truth",
    "between",
    "run",
]
