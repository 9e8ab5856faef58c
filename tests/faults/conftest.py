"""A training with everything on, in a process of its own; and processes seen from outside."""

import importlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

ROOT = Path(__file__).parents[2]
Fit = Callable[..., subprocess.CompletedProcess[str]]

WaitUntilDead = Callable[[set[int], float], set[int]]
Descendants = Callable[[int], set[int]]


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Codecs with faults; spawned workers inherit sys.path and import them by it."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    return importlib.import_module("faulty_codecs")


@pytest.fixture
def wait_until_dead() -> WaitUntilDead:
    """Wait for processes to end, for so many seconds at most; give those that have not."""

    def wait(processes: set[int], seconds: float) -> set[int]:
        end = time.monotonic() + seconds
        while (left := {process for process in processes if is_alive(process)}) and time.monotonic() < end:
            time.sleep(0.02)
        return left

    return wait


@pytest.fixture
def descendants() -> Descendants:
    """All processes that a process has started, and that they have."""

    def find(process: int) -> set[int]:
        parents = {int(path.name): parent(path) for path in Path("/proc").iterdir() if path.name.isdigit()}
        found, fresh = set[int](), {process}
        while fresh := {child for child, its in parents.items() if its in fresh} - found:
            found |= fresh
        return found

    return find


def is_alive(process: int) -> bool:
    """A zombie has ended: whoever adopted it has not looked yet."""
    fields = stat(Path(f"/proc/{process}"))
    return bool(fields) and fields[0] not in "ZX"


def parent(path: Path) -> int | None:
    fields = stat(path)
    return int(fields[1]) if fields else None


def stat(path: Path) -> list[str]:
    """State, parent, … of a process; nothing if it is gone."""
    try:
        return (path / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


RUN = """
model: {burn_in: 4, channel: {split: max_5, qps: [lossless, 37], workers: 1}}
data:
  class_path: lightning_app.data.ShapesDataModule
  init_args:
    train_pictures: 24
    test_pictures: 4
    batch_size: 2
    eval_batch_size: 4
    workers: 1
    multi_scale: {every: 2, smallest: 96, largest: 160, finish: 2}
trainer:
  max_epochs: 2
  check_val_every_n_epoch: 1
  accumulate_grad_batches: 2
  log_every_n_steps: 1
  enable_progress_bar: false
  enable_model_summary: false
  accelerator: cpu
  callbacks+:
    class_path: pytorch_lightning.callbacks.ModelCheckpoint
    init_args: {dirpath: checkpoints/steps, filename: last, enable_version_counter: false, every_n_train_steps: 2}
"""
"""12 batches an epoch, 24 in all, 12 steps; with QPs, augmentation, sizes that change, accumulation and averaging."""

SIGNAL = "trainer: {{callbacks+: {{class_path: signalling.Signalling, init_args: {arguments}}}}}"


def fit_in(folder: Path) -> Fit:
    """``dfc fit`` of `RUN` in a folder; keyword arguments are those of `Signalling`."""
    (folder / "configs").symlink_to(ROOT / "configs")
    (folder / "run.yaml").write_text(RUN)

    def run(*options: str, environment: dict[str, str] | None = None, **signalling: Any) -> Any:
        configs = ["-c", "configs/demo/plain.yaml", "-c", "run.yaml", "-c", "configs/ema.yaml"]
        if signalling:
            (folder / "signal.yaml").write_text(SIGNAL.format(arguments=signalling))
            configs += ["-c", "signal.yaml"]
        return subprocess.run(
            [sys.executable, "-m", "lightning_app", "fit", *configs, *options],
            cwd=folder,
            env={
                **os.environ,
                "PYTHONPATH": f"{ROOT}:{Path(__file__).parent}",
                "OMP_NUM_THREADS": "1",  # more cost more than they gain on pictures this small
                **(environment or {}),
            },
            text=True,
            capture_output=True,
            check=False,
            timeout=300,
            start_new_session=True,
        )

    return run


@pytest.fixture
def fit(tmp_path: Path) -> Fit:
    """A training in an empty folder."""
    return fit_in(tmp_path)


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., dict[str, Any]]:
    """Where a training with some options ends that nothing disturbed."""

    @cache
    def ended(*options: str) -> dict[str, Any]:
        folder = tmp_path_factory.mktemp("whole")
        run = fit_in(folder)(*options)
        assert run.returncode == 0, run.stderr
        return state(folder)

    return ended


def state(folder: Path) -> dict[str, Any]:
    """All that a finished training has, by name: weights and their average, optimiser, schedule, counters."""
    checkpoint = torch.load(folder / "checkpoints/demo/plain/last.ckpt", weights_only=True)
    del checkpoint["callbacks"]  # paths of checkpoints
    counters = flat(checkpoint.pop("loops")["fit_loop"], ".loop")
    # Of the validation's batches and of the loader's, which the next epoch sets anew.
    anew = ("val_loop", "combined_loader")
    return dict(flat(checkpoint, "") + [(name, value) for name, value in counters if not any(a in name for a in anew)])


def flat(value: Any, name: str) -> list[tuple[str, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list | tuple) else None
    return [(name, value)] if items is None else [one for key, part in items for one in flat(part, f"{name}.{key}")]


@pytest.fixture
def differing(tmp_path: Path, whole: Callable[..., dict[str, Any]]) -> Callable[..., list[str]]:
    """What differs, in any bit, between the training of this test and the one that nothing disturbed."""

    def compare(*options: str) -> list[str]:
        ended, expected = state(tmp_path), whole(*options)
        names = sorted(expected.keys() | ended.keys())
        return [name for name in names if not same(expected.get(name), ended.get(name))]

    return compare


def same(one: Any, other: Any) -> bool:
    return (
        torch.equal(one, other) if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor) else one == other
    )
