"""The loader's fork server, which starts with the program."""

import subprocess
import sys
from collections.abc import Callable

import pytest

START = """
import os, sys
from multiprocessing.forkserver import _forkserver
from lightning_app.__main__ import main
class AtTorch:  # the server's imports go on beside this one
    def find_spec(self, name, *rest):
        if name == "torch":
            print("running:", _forkserver._forkserver_pid is not None, flush=True)
            os._exit(0)
sys.meta_path.insert(0, AtTorch())
sys.argv = ["dfc", *sys.argv[1:]]
main()
"""

PRELOAD = """
import importlib, sys
from multiprocessing.forkserver import _forkserver
from lightning_app.fork_server import loader_context
loader_context(augments=sys.argv[1:] == ['augments'])
for name in _forkserver._preload_modules:
    importlib.import_module(name)
print(*sys.modules)
"""


@pytest.mark.parametrize(
    ("arguments", "running"), [(["fit"], True), (["fit", "--help"], False), (["test", "--print_config"], False)]
)
def test_it_starts_before_the_program_imports_torch_and_not_to_print_help(arguments: list[str], running: bool) -> None:
    command = [sys.executable, "-c", START, *arguments]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert out == f"running: {running}\n"


def test_what_the_loaders_workers_import_is_without_lightning() -> None:
    imported = subprocess.check_output([sys.executable, "-c", PRELOAD], text=True).split()
    assert {"lightning_app.data.voc", "lightning_app.data.loading"} <= set(imported)
    assert not {"pytorch_lightning", "lightning_fabric", "torchmetrics", "albumentations"} & set(imported)


def test_workers_that_augment_find_albumentations_imported() -> None:
    assert "albumentations" in subprocess.check_output([sys.executable, "-c", PRELOAD, "augments"], text=True).split()


@pytest.mark.parametrize("name", ["VOCDataModule", "ShapesDataModule", "PicturesDataModule"])
def test_the_data_modules_have_help_by_their_names_alone(dfc: Callable[..., tuple[int, str, str]], name: str) -> None:
    status, out, _ = dfc("fit", "--data.help", name)
    assert status == 0
    assert f"lightning_app.data.{name}" in out
