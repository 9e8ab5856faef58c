"""The main process's largest memory, at two sizes of the data."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
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
    with tempfile.TemporaryDirectory() as name:
        return [_row("fit", Path(name)), _row("evaluate", Path(name))]


def _row(command: str, folder: Path) -> Row:
    few, many = (_peak(folder / f"{command}-{pictures}", command, pictures) for pictures in (FEW, MANY))
    what, against = f"`dfc {command}`, peak memory at {MANY:,} pictures", f"at {FEW:,}; 50 MB more are allowed"
    return Row(what, against, "MB", many, few, (many - few) / 50, "≤", 1)


def _peak(folder: Path, command: str, pictures: int) -> float:
    """Peak resident memory, in MB, of a command's largest process."""
    own: Options = (
        {"data.train_pictures": pictures, "trainer.max_epochs": 1, "trainer.limit_val_batches": 0}
        if command == "fit"
        else {"data.test_pictures": pictures, "qps": "[37]", "output": folder / "out", "cache": folder / "cache"}
    )
    options = {**COMMON, **own, "data.root": folder, "trainer.default_root_dir": folder}
    arguments = [str(part) for name, value in options.items() for part in (f"--{name}", value)]
    dfc = [sys.executable, "-m", "lightning_app", command, "-c", "configs/demo/retrained.yaml", *arguments]
    process = subprocess.Popen(dfc, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"dfc {command} failed: {' '.join(dfc)}")
    return usage.ru_maxrss / 1000  # kB
