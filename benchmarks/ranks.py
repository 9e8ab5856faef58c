"""Two ranks with a core each against one rank with one core, in training and in evaluation."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer

from benchmarks.rows import Row
from lightning_app.codecs import available_cores

PINNED = 'exec taskset -c "${LOCAL_RANK:-0}" "$@"'
TURNS = 2
"""Of each number of ranks; the best counts, since other guests of the machine only slow a run."""


class Moments(Callback):
    """Keeps in a file when each batch of this rank ended.

    Args:
        folder: of the files.
    """

    def __init__(self, folder: str) -> None:
        self.folder, self.ends = folder, list[float]()

    def on_train_batch_end(self, *_: Any) -> None:
        """Called by Lightning."""
        self.ends.append(time.perf_counter())

    def on_test_batch_end(self, *_: Any) -> None:
        """Called by Lightning."""
        self.ends.append(time.perf_counter())

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:  # noqa: ARG002
        """Called by Lightning once a run."""
        (Path(self.folder) / f"{trainer.global_rank}.json").write_text(json.dumps(self.ends), encoding="utf-8")


def run(shared: Path, output: Path) -> list[Row]:  # noqa: ARG001
    """YOLO-LITE with its channel at max_7; what a run costs before its second batch and after its last is left out."""
    if available_cores() < 2:
        return []
    fit = {
        "trainer.max_epochs": 1,
        "trainer.limit_val_batches": 0,
        "model.channel.split": "max_7",
        "trainer.limit_train_batches": 28,
    }
    return [
        _row(shared, "fit", fit, 8),
        _row(shared, "evaluate", {"splits": "[max_7]", "trainer.limit_test_batches": 5}, 16),
    ]


def _row(shared: Path, command: str, options: dict[str, object], batch: int) -> Row:
    turns = [
        (_rate(shared, command, options, batch, 1), _rate(shared, command, options, batch, 2)) for _ in range(TURNS)
    ]
    one, two = (max(rates) for rates in zip(*turns, strict=True))
    what = f"`dfc {command}` of yolo-lite with its channel, two ranks with a core each"
    stated = ", ".join(f"{theirs:.1f} and {ours:.1f} 1/s" for theirs, ours in turns)
    return Row(what, "one rank with one core", "1/s", two, one, two / one, "≥", 1.8, f"turns: {stated}")


def _rate(shared: Path, command: str, more: dict[str, object], batch: int, ranks: int) -> float:
    """Pictures a second of all ranks together."""
    with tempfile.TemporaryDirectory() as folder:
        moments = {"class_path": "benchmarks.ranks.Moments", "init_args": {"folder": folder}}
        options: dict[str, object] = {
            "data.root": shared / "VOCdevkit",
            "data.train": "[VOC2007/trainval]",
            "model.weights": shared / "weights/yolo-lite/tiny-yolov2-trial3.weights",
            "trainer.default_root_dir": folder,
            "trainer.devices": ranks,
            "trainer.accelerator": "cpu",
            "trainer.callbacks": json.dumps([moments]),
            "trainer.logger": "false",
            "trainer.enable_progress_bar": "false",
            **more,
        }
        if command == "evaluate":
            options |= {"output": f"{folder}/out", "cache": f"{folder}/cache"}
        arguments = [str(part) for name, value in options.items() for part in (f"--{name}", value)]
        dfc = [sys.executable, "-m", "lightning_app", command, "-c", "configs/yolo_lite.yaml", *arguments]
        subprocess.run([*_launcher(ranks), "sh", "-c", PINNED, "sh", *dfc], check=True, capture_output=True)
        ends = [_read(Path(folder) / f"{rank}.json") for rank in range(ranks)]
    return sum(batch * (len(own) - 1) / (own[-1] - own[0]) for own in ends)


def _read(file: Path) -> list[float]:
    moments: list[float] = json.loads(file.read_text(encoding="utf-8"))
    return moments


def _launcher(ranks: int) -> Sequence[str]:
    if ranks == 1:
        return ()
    torchrun = (sys.executable, "-m", "torch.distributed.run")
    return (*torchrun, "--standalone", "--no-python", "--nproc-per-node", str(ranks))
