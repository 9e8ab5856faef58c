"""The stand-ins for what Lightning imports and nobody uses."""

import subprocess
import sys

STAND_INS = """
import sys
from lightning_app.lightning_fixes.slow_imports import without_slow_imports
import torch
with without_slow_imports():
    from torch._dynamo import OptimizedModule, disable
    import scipy.signal
    print(sys.modules["torch._dynamo"].__file__ if hasattr(sys.modules["torch._dynamo"], "__file__") else "stand-in")

    @disable
    def left_out(x):
        return x + (1 if torch.compiler.is_compiling() else 0)

    @disable(reason="with arguments")
    def left_out_too(x):
        return x

    print(scipy.signal.windows.hamming(3).shape, "torch._dynamo" in sys.modules)
print("torch._dynamo" in sys.modules)
compiled = torch.compile(lambda x: left_out(left_out_too(x)) * 2, backend="eager")
print(compiled(torch.ones(1)).item(), isinstance(torch.compile(torch.nn.ReLU(), backend="eager"), OptimizedModule))
"""


def test_a_stand_in_makes_room_for_the_module_and_what_is_marked_is_not_compiled() -> None:
    run = subprocess.run([sys.executable, "-c", STAND_INS], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == ["stand-in", "(3,) True", "False", "2.0 True"]


PLOT = """
import sys
from lightning_app.lightning_fixes.slow_imports import without_slow_imports
with without_slow_imports():
    import pytorch_lightning
print([name for name in ("torch._dynamo", "scipy.signal", "matplotlib") if name in sys.modules])
import matplotlib
matplotlib.use("agg")
from torchmetrics import MeanMetric

metric = MeanMetric()
metric.update(3.0)
figure, axes = metric.plot()
print(isinstance(figure, matplotlib.figure.Figure), isinstance(axes, matplotlib.axes.Axes))
print([line.get_ydata().tolist() for line in axes.get_lines()])
"""


def test_lightning_is_imported_without_what_it_hardly_uses_and_a_metric_can_draw_itself() -> None:
    run = subprocess.run([sys.executable, "-W", "error", "-c", PLOT], capture_output=True, text=True, check=False)
    assert run.stdout.splitlines() == ["[]", "True True", "[[3.0]]"], run.stderr
