"""Two ranks with a core each against one rank with one core, in training and in evaluation."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.clock import wall
from benchmarks.rows import Row
from lightning_app.codecs import available_cores

PINNED = 'exec taskset -c "${LOCAL_RANK:-0}" "$@"'
Options = Mapping[str, object]
QUIET = {"trainer.logger": "false", "trainer.callbacks": "[]", "trainer.enable_progress_bar": "false"}
FIT = {"trainer.max_epochs": 2, "trainer.limit_val_batches": 0, "model.channel.split": "max_7"}
EVALUATE = {"splits": "[max_7]"}
Batches = tuple[int, int]
"""Few and many of each rank; what a run costs before its first is in both."""


def run(shared: Path, output: Path) -> list[Row]:  # noqa: ARG001
    """YOLO-LITE with its channel at max_7; what a run costs before its first picture is left out."""
    if available_cores() < 2:
        return []
    return [
        _row(shared, "fit", FIT, "trainer.limit_train_batches", (4, 28), 2 * 8),
        _row(shared, "evaluate", EVALUATE, "trainer.limit_test_batches", (2, 10), 16),
    ]


def _row(shared: Path, command: str, options: Options, limit: str, batches: Batches, size: int) -> Row:
    few, many = batches
    rates = {}
    for ranks in (1, 2):
        seconds = {number: _run(shared, command, ranks, {**options, limit: number}) for number in batches}
        rates[ranks] = ranks * size * (many - few) / (seconds[many] - seconds[few])
    what = f"`dfc {command}` of yolo-lite with its channel, two ranks with a core each"
    return Row(what, "one rank with one core", "1/s", rates[2], rates[1], rates[2] / rates[1], "≥", 1.8)


def _run(shared: Path, command: str, ranks: int, more: Options) -> float:
    with tempfile.TemporaryDirectory() as folder:
        options: dict[str, object] = {
            "data.root": shared / "VOCdevkit",
            "model.weights": shared / "weights/yolo-lite/tiny-yolov2-trial3.weights",
            "trainer.default_root_dir": folder,
            "trainer.devices": ranks,
            "trainer.accelerator": "cpu",
            **QUIET,
            **more,
        }
        if command == "evaluate":
            options |= {"output": f"{folder}/out", "cache": f"{folder}/cache"}
        arguments = [str(part) for name, value in options.items() for part in (f"--{name}", value)]
        dfc = [sys.executable, "-m", "lightning_app", command, "-c", "configs/yolo_lite.yaml", *arguments]
        return wall(
            lambda: subprocess.run([*_launcher(ranks), "sh", "-c", PINNED, "sh", *dfc], check=True, capture_output=True)
        )


def _launcher(ranks: int) -> Sequence[str]:
    if ranks == 1:
        return ()
    torchrun = (sys.executable, "-m", "torch.distributed.run")
    return (*torchrun, "--standalone", "--no-python", "--nproc-per-node", str(ranks))
