"""Two ranks with a core each against one rank with one core, in training and in evaluation."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.clock import wall
from benchmarks.rows import Row
from lightning_app.codecs.workers import available_cores

PINNED = 'exec taskset -c "${LOCAL_RANK:-0}" "$@"'
QUIET = {"trainer.logger": "false", "trainer.callbacks": "[]", "trainer.enable_progress_bar": "false"}
FIT = {"trainer.limit_val_batches": 0, "trainer.num_sanity_val_steps": 0, "model.channel.split": "max_7"}


def run(shared: Path, output: Path) -> list[Row]:  # noqa: ARG001
    """YOLO-LITE with its channel at max_7; what a run costs before its first picture is left out."""
    if available_cores() < 2:
        return []
    return [
        _row(shared, "fit", 2 * 474, {**FIT, "trainer.max_epochs": 1}, {**FIT, "trainer.max_epochs": 3}),
        _row(
            shared, "evaluate", 474, {"data.test": "[VOC2007/test]"}, {"data.test": "[VOC2007/test,VOC2007/trainval]"}
        ),
    ]


def _row(shared: Path, command: str, pictures: int, short: dict[str, object], long: dict[str, object]) -> Row:
    rates = {ranks: pictures / _seconds(shared, command, ranks, short, long) for ranks in (1, 2)}
    what = f"`dfc {command}` of yolo-lite with its channel, two ranks with a core each"
    return Row(what, "one rank with one core", "1/s", rates[2], rates[1], rates[2] / rates[1], "≥", 1.8)


def _seconds(shared: Path, command: str, ranks: int, short: dict[str, object], long: dict[str, object]) -> float:
    return _run(shared, command, ranks, long) - _run(shared, command, ranks, short)


def _run(shared: Path, command: str, ranks: int, more: dict[str, object]) -> float:
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
            options |= {"splits": "[max_7]", "output": f"{folder}/out", "cache": f"{folder}/cache"}
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
