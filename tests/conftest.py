"""What every test may use: the real command line, a tiny run and its first epoch, real pictures and weights."""

import os
import shutil
import signal
import sys
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

# As in `dfc`, before our own modules: Python's typing keeps one of Union[int, float] and Union[float, int] for both, by
# which came first, and jsonargparse then reads a 1 as 1.0, all batches in place of one.
import pytorch_lightning  # noqa: F401

from lightning_app.__main__ import main

ROOT = Path(__file__).parents[1]
os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # before its first session, else onnxruntime reports to Microsoft


def pytest_sessionstart() -> None:
    """Heed Ctrl-C, as will what the tests start: a shell lets its background jobs ignore it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take longest first: several processes share the files, and none should begin a long one last."""
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: -slow[item.path])


class Result(NamedTuple):
    """What a command left: its exit status and what it printed."""

    status: int
    out: str
    err: str


Dfc = Callable[..., Result]


@pytest.fixture(scope="session")
def shared() -> Path:
    """``../shared``: real VOC pictures, VOC-trained weights and HM's results."""
    path = ROOT.parent / "shared"
    if not path.is_dir():
        pytest.skip(f"no real pictures and weights: {path} is not there")
    return path


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory that sees the shipped configs, so that runs leave their files in it."""
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def dfc(workplace: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Dfc:
    """Run ``dfc`` with real arguments, in this process."""

    def run(*arguments: str | Path) -> Result:
        monkeypatch.setattr(sys, "argv", ["dfc", *map(str, arguments)])
        capfd.readouterr()
        try:
            status = main()
        except SystemExit as exit_:
            status = int(exit_.code or 0)
        return Result(status, *capfd.readouterr())

    return run


TINY = """
model: {burn_in: 0}
data:
  class_path: lightning_app.data.ShapesDataModule
  init_args: {train_pictures: 24, test_pictures: 9, batch_size: 4, eval_batch_size: 4, workers: 0}
trainer:
  max_epochs: 2
  check_val_every_n_epoch: 1
  log_every_n_steps: 1
  enable_progress_bar: false
  enable_model_summary: false
  accelerator: cpu
"""
OPTIONS = ("-c", "configs/demo/plain.yaml", "-c", "tiny.yaml")


@pytest.fixture
def tiny(workplace: Path) -> tuple[str, ...]:
    """Options that make the demo's config a run of seconds: 24 drawn pictures, 9 to test on."""
    (workplace / "tiny.yaml").write_text(TINY)
    return OPTIONS


@pytest.fixture(scope="session")
def first_epoch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where one epoch of the tiny run was trained, by the first test that needs it."""
    folder = tmp_path_factory.mktemp("first_epoch")
    (folder / "configs").symlink_to(ROOT / "configs")
    (folder / "tiny.yaml").write_text(TINY)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["dfc", "fit", *OPTIONS, "--trainer.max_epochs", "1"])
        assert main() == 0
    return folder


@pytest.fixture
def one_epoch(first_epoch: Path, workplace: Path) -> str:
    """A checkpoint of the tiny run after one of its two epochs, as ``fit`` would leave it in the working directory."""
    for name in ("checkpoints", "data"):
        shutil.copytree(first_epoch / name, workplace / name)
    warnings.filterwarnings("ignore", "The dirpath has changed")  # until the end of the test
    return "checkpoints/demo/plain/last.ckpt"
