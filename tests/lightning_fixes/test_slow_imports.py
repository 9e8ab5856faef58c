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
