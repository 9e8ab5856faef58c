"""Stops a training at the end of a step, when a signal asks for it, with a checkpoint that resumes exactly."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from types import FrameType
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.callbacks import ModelCheckpoint

from lightning_app.errors import Stopped

NAME = "last.ckpt"
"""The file that ``--ckpt_path last`` finds in a folder of checkpoints."""
REQUEUE = signal.SIGUSR1
"""What SLURM sends before a job's time is up. Lightning has a handler for it only in a job of SLURM."""


class StopOnSignal(Callback):
    """Ends a training after Ctrl-C, SIGTERM or, in a job of SLURM, SIGUSR1.

    Lightning would stop, or write its checkpoint, in the middle of a step, and no run could resume from there exactly.
    This callback finishes the step of the optimiser first. If the signal comes in the last step of an epoch, or in a
    validation, it stops after the next step. A second Ctrl-C stops at once, without a checkpoint. After SIGUSR1 it
    calls Lightning's handler, which writes ``hpc_ckpt_N.ckpt`` and puts the job into the queue again.
    """

    def __init__(self) -> None:
        self.asked: signal.Signals | None = None
        self.before: dict[signal.Signals, Any] = {}

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Take the signals over; by now Lightning has set its own handlers."""
        if threading.current_thread() is not threading.main_thread():
            return
        self.asked = None
        for number in (signal.SIGINT, signal.SIGTERM, REQUEUE):
            if number is not REQUEUE or callable(signal.getsignal(number)):
                self.before[number] = signal.signal(number, self._ask)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Give the signals back."""
        self._give_back()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:  # noqa: ARG002
        """Give the signals back."""
        self._give_back()

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,  # noqa: ARG002
        outputs: Any,  # noqa: ARG002
        batch: Any,  # noqa: ARG002
        batch_idx: int,
    ) -> None:
        """Stop, if any rank was asked to and a step of the optimiser ends here, but not an epoch."""
        if (batch_idx + 1) % trainer.accumulate_grad_batches or trainer.is_last_batch:
            return
        if not trainer.strategy.reduce_boolean_decision(self.asked is not None, all=False):
            return
        asked = self.asked or signal.SIGTERM
        then = self._requeued() if asked is REQUEUE else self._saved(trainer)
        if not trainer.is_global_zero:
            raise SystemExit(0)  # Lightning kills the first rank if another ends otherwise
        raise Stopped(asked, f"step {trainer.global_step} is done; {then}")

    def _ask(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Remember the signal; a second Ctrl-C stops the program here."""
        if self.asked == number == signal.SIGINT:
            raise KeyboardInterrupt
        self.asked = signal.Signals(number)
        os.write(2, b"\nStopping after this step, with a checkpoint; Ctrl-C again stops at once, without.\n")

    def _requeued(self) -> str:
        """Let Lightning put the job into the queue again, and say so."""
        self.before[REQUEUE](REQUEUE, None)
        return "the job is in the queue again and will go on from there"

    def _saved(self, trainer: Trainer) -> str:
        """Save the run beside its other checkpoints, and say how to go on from there."""
        folders = [one.dirpath for one in trainer.checkpoint_callbacks if isinstance(one, ModelCheckpoint)]
        if not folders or folders[-1] is None:
            return "no checkpoint was written, because the run has no ModelCheckpoint"
        path = Path(folders[-1]) / NAME
        trainer.save_checkpoint(path, weights_only=False)  # the optimiser and all counters too
        return f"the same command with --ckpt_path last goes on from {os.path.relpath(path)}"

    def _give_back(self) -> None:
        while self.before:
            number, handler = self.before.popitem()
            signal.signal(number, handler)
