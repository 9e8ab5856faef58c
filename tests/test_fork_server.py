"""The loader's fork server, which starts with the program."""

import subprocess
import sys

import pytest

START = """
import sys
from multiprocessing.forkserver import _forkserver
from lightning_app.__main__ import main
sys.modules["lightning_app.cli"] = type(sys)("cli")  # the imports that the server's go on beside
sys.modules["lightning_app.cli"].run = lambda: print("running:", _forkserver._forkserver_pid is not None)
sys.argv = ["dfc", *sys.argv[1:]]
main()
print("torch:", "torch" in sys.modules)
"""


@pytest.mark.parametrize(
    ("arguments", "running"), [(["fit"], True), (["fit", "--help"], False), (["test", "--print_config"], False)]
)
def test_it_starts_before_the_program_imports_torch_and_not_to_print_help(arguments: list[str], running: bool) -> None:
    command = [sys.executable, "-c", START, *arguments]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert out.split("\n")[:2] == [f"running: {running}", "torch: False"]
