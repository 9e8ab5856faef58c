"""What a training holds of the machine, written down as it runs."""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer


@dataclass(frozen=True)
class Row:
    """One look at a training.

    Attributes:
        step: of the optimiser.
        seconds: since the first step.
        loss: mean over the steps since the last row.
        main_mb: resident memory of the main process.
        others_mb: and of all processes that it has started: codec workers, loader workers, fork server.
        files: open in the main process.
        threads: of the main process.
        processes: that it has started.
    """

    step: int
    seconds: float
    loss: float
    main_mb: float
    others_mb: float
    files: int
    threads: int
    processes: int


class Watch(Callback):
    """Adds a `Row` to a CSV file every so many steps.

    Args:
        path: of the file; what is there is written over.
        every: steps between rows.
    """

    def __init__(self, path: str, every: int = 100) -> None:
        self.path, self.every = Path(path), every
        self.losses: list[float] = []
        self.step = 0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Write the head of the table."""
        self.start = time.monotonic()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(",".join(field.name for field in fields(Row)) + "\n", "utf-8")

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, outputs: Any, *_: Any) -> None:  # noqa: ARG002
        """Note the loss and, when it is time, look around."""
        self.losses.append(float(outputs["loss"]))
        if trainer.global_step % self.every or trainer.global_step == self.step:
            return
        self.step = trainer.global_step
        row = look(self.step, time.monotonic() - self.start, sum(self.losses) / len(self.losses))
        self.losses.clear()
        with self.path.open("a", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerow(astuple(row))


def look(step: int, seconds: float, loss: float) -> Row:
    """This process and those that it has started, now."""
    own = Path("/proc/self")
    others = list(descendants(os.getpid()))
    return Row(
        step,
        round(seconds, 1),
        round(loss, 4),
        resident_mb(own),
        round(sum(resident_mb(Path(f"/proc/{process}")) for process in others), 1),
        len(list((own / "fd").iterdir())) - 1,  # one is open for looking
        len(list((own / "task").iterdir())),
        len(others),
    )


def descendants(process: int) -> Iterator[int]:
    """The processes that a process has started, and that they have."""
    for path in Path(f"/proc/{process}/task").glob("*/children"):
        for child in map(int, path.read_text().split()):
            yield child
            yield from descendants(child)


def resident_mb(process: Path) -> float:
    """Resident memory in megabytes; 0 if the process has ended."""
    try:
        pages = int((process / "statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)
