"""Show and keep the operating points of every evaluation: a table, ``points.csv``, and Weights & Biases."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, cast

from pytorch_lightning import Callback, LightningModule, Trainer
from rich.console import Console

from lightning_app.callbacks.wandb_points import by_curve, log_points, wandb_loggers
from lightning_app.lightning_fixes.logged_step import logged_step
from lightning_app.records.differences import Difference
from lightning_app.records.points import Point, write_points
from lightning_app.report.tables import points_table

FILE_NAME = "points.csv"


class Measuring(Protocol):
    """A module that keeps what it measured; where it compares curves, also as ``differences``."""

    @property
    def points(self) -> Sequence[Point]:
        """The operating points of the last evaluation."""


class RateAccuracy(Callback):
    """Prints the rate–accuracy table after each validation and test, and keeps its points.

    ``validate`` and ``test`` write them to ``points.csv``. With a `WandbLogger` each table is also logged there, as
    ``val/points`` or ``test/points``, its curves as a chart, ``val/curves``, and BD numbers in the run's summary.

    Args:
        folder: where ``points.csv`` goes; null for the logger's folder.
    """

    def __init__(self, folder: str | None = None) -> None:
        self.folder = folder

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """After each validation of a fit, and after ``validate``."""
        if not trainer.sanity_checking:
            self._keep(trainer, pl_module, "val")

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """After ``test``."""
        self._keep(trainer, pl_module, "test")

    def _keep(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        points = cast(Measuring, pl_module).points
        differences: Sequence[Difference] = getattr(pl_module, "differences", ())
        folder = self.folder or trainer.log_dir  # the latter asks the other ranks, so every rank must
        if not trainer.is_global_zero:
            return
        _print(points)
        if trainer.state.fn != "fit" and folder is not None:
            _write(Path(folder) / FILE_NAME, points)
        for logger in wandb_loggers(trainer):
            log_points(logger, stage, points, differences, logged_step(trainer))


def _print(points: Sequence[Point]) -> None:
    """One table a curve."""
    console = Console()
    for curve in by_curve(points).values():
        console.print(points_table(curve))


def _write(path: Path, points: Sequence[Point]) -> None:
    write_points(path, points)
    Console().print(f"Written to {path}", soft_wrap=True)
