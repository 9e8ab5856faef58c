"""The main process's largest memory, at two sizes of the data."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.rows import Row

FEW, MANY = 500, 5000
COMMON = ("-c", "configs/demo/retrained.yaml", "--trainer.logger", "false", "--trainer.enable_progress_bar", "false")
EPOCH = (
    "--trainer.max_epochs",
    "1",
    "--trainer.callbacks",
    "[]",
    "--trainer.limit_val_batches",
    "0",
    "--model.weights",
    "null",
)


def run(shared: Path, output: Path) -> list[Row]:  # noqa: ARG001
    """Peaks of `dfc fit` and `dfc evaluate` on drawn shapes, with the channel."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fit = [_peak(folder, number, "fit", *EPOCH, "--data.train_pictures", str(number)) for number in (FEW, MANY)]
        sweep = ("--qps", "[27,37]", "--trainer.callbacks", "[]", "--model.weights", "null")
        evaluate = [
            _peak(folder, number, "evaluate", *sweep, "--data.test_pictures", str(number)) for number in (FEW, MANY)
        ]
    return [_row("fit", *fit), _row("evaluate", *evaluate)]


def _row(command: str, few: float, many: float) -> Row:
    what, against = f"`dfc {command}`, peak memory at {MANY:,} pictures", f"at {FEW:,}, and 50 MB more"
    return Row(what, against, "MB", many, few, (many - few) / 50, "≤", 1)


def _peak(folder: Path, number: int, command: str, *options: str) -> float:
    """Peak resident memory, in MB, of a command's largest process."""
    place = folder / f"{command}-{number}"
    paths = ["--data.root", str(place), "--trainer.default_root_dir", str(place)]
    if command == "evaluate":
        paths += ["--output", str(place / "out"), "--cache", str(place / "cache")]
    process = subprocess.Popen(
        [sys.executable, "-m", "lightning_app", command, *COMMON, *paths, *options], stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"dfc {command} failed")
    return usage.ru_maxrss / 1000  # kB
