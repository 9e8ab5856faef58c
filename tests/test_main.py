"""What the program settles before it imports torch."""

import os
import subprocess
import sys

import pytest

from lightning_app.__main__ import COMMANDS

START = """
import os, sys
from lightning_app.__main__ import main
sys.modules["lightning_app.cli"] = type(sys)("cli")
sys.modules["lightning_app.cli"].run = lambda: print(os.environ.get("OMP_WAIT_POLICY"), "torch" in sys.modules)
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
    assert run.stdout == f"{found} False\n"


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
