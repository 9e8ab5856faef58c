"""The main process's largest memory: at two sizes of the data, and in a step of training."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.rows import Row

FEW, MANY = 500, 5000
Options = Mapping[str, object]
COMMON: Options = {
    "data.side": 64,
    "data.size": 64,
    "model.weights": "null",
    "trainer.logger": "false",
    "trainer.callbacks": "[]",
    "trainer.enable_progress_bar": "false",
}


def run(shared: Path, output: Path) -> list[Row]:  # noqa: ARG001
    """Peaks of `dfc fit` and `dfc evaluate` on small drawn shapes, with the channel; a picture has about 100 boxes."""
    runs = [(command, pictures) for command in ("fit", "evaluate") for pictures in (FEW, MANY)]
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor() as side_by_side:
        peaks = dict(zip(runs, side_by_side.map(lambda one: _peak(Path(name), *one), runs), strict=True))
        steps = list(side_by_side.map(_step_peak, ("ours", "torch")))
    return [
        *(_row(command, peaks[command, FEW], peaks[command, MANY]) for command in ("fit", "evaluate")),
        _step_row(*steps),
    ]


def _row(command: str, few: float, many: float) -> Row:
    what, against = f"`dfc {command}`, peak memory at {MANY:,} pictures", f"at {FEW:,}; 50 MB more are allowed"
    return Row(what, against, "MB", many, few, (many - few) / 50, "≤", 1)


def _step_row(ours: float, torchs: float) -> Row:
    what = "a training step of yolov2-voc, 8 pictures of 416×416, peak memory"
    return Row(
        what,
        "torch's own batch norm and max pooling, one layer after another",
        "MB",
        ours,
        torchs,
        ours / torchs,
        "≤",
        0.8,
    )


def _step_peak(way: str) -> float:
    """Peak resident memory, in MB, of a process that takes two steps of training."""
    return _peak_of([sys.executable, "-m", "benchmarks.step_memory", way])


def _peak(parent: Path, command: str, pictures: int) -> float:
    """Peak resident memory, in MB, of a command's largest process."""
    folder = parent / f"{command}-{pictures}"
    own: Options = (
        {"data.train_pictures": pictures, "trainer.max_epochs": 1, "trainer.limit_val_batches": 0}
        if command == "fit"
        else {"data.test_pictures": pictures, "qps": "[37]", "output": folder / "out", "cache": folder / "cache"}
    )
    options = {**COMMON, **own, "data.root": folder, "trainer.default_root_dir": folder}
    arguments = [str(part) for name, value in options.items() for part in (f"--{name}", value)]
    dfc = [sys.executable, "-m", "lightning_app", command, "-c", "configs/demo/retrained.yaml", *arguments]
    return _peak_of(dfc)


def _peak_of(command: Sequence[str]) -> float:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"it failed: {' '.join(command)}")
    return usage.ru_maxrss / 1000  # kB
