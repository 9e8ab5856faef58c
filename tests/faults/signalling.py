"""A callback that sends a signal at a chosen moment of a training, as a user, a cluster or a fault would."""

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer


class Signalling(Callback):
    """Sends a signal once, at a batch counted over all epochs.

    Args:
        name: of the signal.
        batch: number of the batch, from 0; what a resumed training does not come to any more sends nothing.
        hook: ``on_train_batch_start``, ``on_train_batch_end`` or ``on_validation_batch_start`` (after that batch).
        to: ``self``; ``group``, as a terminal does; or ``all`` the processes of the run, as SLURM does.
        rank: that sends it.
    """

    def __init__(
        self, name: str, batch: int, hook: str = "on_train_batch_start", to: str = "self", rank: int = 0
    ) -> None:
        self.number, self.batch, self.hook, self.to, self.rank = signal.Signals[name], batch, hook, to, rank

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        if trainer.fit_loop.total_batch_idx == self.batch:
            self.send("on_train_batch_start", trainer)

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        if trainer.fit_loop.total_batch_idx == self.batch:
            self.send("on_train_batch_end", trainer)

    def on_validation_batch_start(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        if not trainer.sanity_checking and trainer.fit_loop.total_batch_idx >= self.batch:
            self.send("on_validation_batch_start", trainer)

    def send(self, hook: str, trainer: Trainer) -> None:
        if hook != self.hook or trainer.global_rank != self.rank:
            return
        if self.to == "group":
            os.killpg(0, self.number)
        elif self.to == "all":
            processes = map(str, [*family(os.getpid()), os.getpid()])
            subprocess.run(["kill", f"-{self.number:d}", *processes], check=True)
        else:
            os.kill(os.getpid(), self.number)


def family(process: int) -> list[int]:
    """Its children, theirs, and so on."""
    children = " ".join(path.read_text() for path in Path(f"/proc/{process}/task").glob("*/children")).split()
    return [one for child in map(int, children) for one in (*family(child), child)]
