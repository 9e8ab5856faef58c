"""Show and keep what every evaluation measured: a table, ``points.csv``, ``classes.csv``, and Weights & Biases."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, cast

from pytorch_lightning import Callback, LightningModule, Trainer
from rich.console import Console

from lightning_app.callbacks.wandb_points import by_curve, log_classes, log_points, wandb_loggers
from lightning_app.lightning_fixes.logged_step import logged_step
from lightning_app.records.classes import ClassRow, write_classes
from lightning_app.records.differences import Difference
from lightning_app.records.points import Point, write_points
from lightning_app.report.tables import points_table

POINTS, CLASSES = "points.csv", "classes.csv"


class Measuring(Protocol):
    """A module that keeps what it measured; also ``class_rows``, and ``differences`` where it compares curves."""

    @property
    def points(self) -> Sequence[Point]:
        """The operating points of the last evaluation."""


class RateAccuracy(Callback):
    """Prints the rate–accuracy table after each validation and test, and keeps its points.

    ``validate`` and ``test`` write them to ``points.csv``, and the precision of each class to ``classes.csv``. With a
    `WandbLogger` both tables are also logged there, as ``val/points`` and ``val/classes`` or ``test/points`` and
    ``test/classes``, the curves as a chart, ``val/curves``, and BD numbers in the run's summary.

    Args:
        folder: where both files go; null for the logger's folder.
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
        rows: Sequence[ClassRow] = getattr(pl_module, "class_rows", ())
        differences: Sequence[Difference] = getattr(pl_module, "differences", ())
        folder = self.folder or trainer.log_dir  # the latter asks the other ranks, so every rank must
        if not trainer.is_global_zero:
            return
        _print(points)
        if trainer.state.fn != "fit" and folder is not None:
            _write(Path(folder), points, rows)
        for logger in wandb_loggers(trainer):
            log_points(logger, stage, points, differences, logged_step(trainer))
            log_classes(logger, stage, rows, logged_step(trainer))


def _print(points: Sequence[Point]) -> None:
    """One table a curve."""
    console = Console()
    for curve in by_curve(points).values():
        console.print(points_table(curve))


def _write(folder: Path, points: Sequence[Point], rows: Sequence[ClassRow]) -> None:
    write_points(folder / POINTS, points)
    if rows:
        write_classes(folder / CLASSES, rows)
    Console().print(f"Written to {folder / POINTS}{f' and {CLASSES}' if rows else ''}", soft_wrap=True)
