"""What the program settles before it imports torch."""

import os
import subprocess
import sys

import pytest

from lightning_app.__main__ import COMMANDS

START = """
import os, sys
from lightning_app.__main__ import main
class AtTorch:
    def find_spec(self, name, *rest):
        if name == "torch":
            print(os.environ.get("OMP_WAIT_POLICY"), flush=True)
            os._exit(0)
sys.meta_path.insert(0, AtTorch())
sys.argv = ["dfc", sys.argv[1], "--help"]
main()
"""


@pytest.mark.parametrize(
    ("command", "given", "found"),
    [
        ("fit", {}, "PASSIVE"),
        ("evaluate", {}, "PASSIVE"),
        ("fit", {"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE"),
        ("predict", {}, "None"),
    ],
)
def test_threads_that_wait_leave_their_cores_to_the_codec_unless_told_otherwise(
    command: str, given: dict[str, str], found: str
) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"} | given
    run = subprocess.run(
        [sys.executable, "-c", START, command], capture_output=True, text=True, env=environment, check=True
    )
    assert run.stdout == f"{found}\n"


def test_the_list_of_commands_needs_no_parser() -> None:
    statement = (
        "import sys; sys.argv = ['dfc', '--help']; from lightning_app.__main__ import main; main(); print(*sys.modules)"
    )
    imported = subprocess.check_output([sys.executable, "-c", statement], text=True).split()
    assert not {"jsonargparse", "argparse", "yaml"} & set(imported)


COLLECTOR = """
import gc, sys
from lightning_app.__main__ import main
sys.argv = ["dfc", *sys.argv[1:]]
try:
    main()
except SystemExit:
    print(gc.isenabled(), file=sys.stderr)
"""


@pytest.mark.parametrize("command", ["report", "decode", "fit"])
def test_the_garbage_collector_is_on_once_a_command_is_imported(command: str) -> None:
    run = [sys.executable, "-c", COLLECTOR, command, "--help"]
    assert subprocess.run(run, capture_output=True, text=True, check=True).stderr == "True\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_only_training_and_measuring_need_lightning(command: str) -> None:
    statement = "import importlib, sys; importlib.import_module(sys.argv[1]); print(*sys.modules)"
    run = [sys.executable, "-c", statement, COMMANDS[command][0]]
    imported = subprocess.check_output(run, text=True).split()
    assert not {"pytorch_lightning", "lightning_fabric", "torchmetrics", "albumentations"} & set(imported)


def test_a_reader_that_ends_early_gets_no_traceback() -> None:
    run = f"{sys.executable} -u -m lightning_app weights inspect --help | true; echo ${{PIPESTATUS[0]}}"
    pipe = f"{sys.executable} -u -m lightning_app doctor | head -1; echo ${{PIPESTATUS[0]}}"
    for command in (run, pipe):
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
        assert "Traceback" not in done.stderr
    assert done.stdout.splitlines()[0].startswith("dfc:")
    assert done.stdout.splitlines()[-1] in ("0", "141")


IMPORTED = """
import sys
from lightning_app.__main__ import main
sys.argv = ["dfc", "test", "--print_config"]
try:
    main()
except SystemExit:
    print("compiler:", "torch._dynamo" in sys.modules, "signals:", "scipy.signal" in sys.modules, file=sys.stderr)
import scipy.signal
import torch
import pytorch_lightning
from pytorch_lightning.utilities.compile import OptimizedModule
assert not isinstance(torch.nn.ReLU(), OptimizedModule)
compiled = torch.compile(torch.nn.ReLU(), backend="eager")
assert isinstance(compiled, OptimizedModule)
assert compiled(torch.tensor([-1.0, 2.0])).tolist() == [0, 2]
assert len(scipy.signal.windows.hamming(3)) == 3
"""


def test_a_command_imports_neither_torchs_compiler_nor_signals_and_both_can_be_used_later() -> None:
    run = subprocess.run([sys.executable, "-c", IMPORTED], capture_output=True, text=True, check=True)
    assert run.stderr == "compiler: False signals: False\n"
