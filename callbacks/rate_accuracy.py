"""Show and keep the operating points of every evaluation: a table, ``points.csv``, and a W&B table."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.loggers import WandbLogger
from rich.console import Console

from lightning_app.report.points import Point, write_points
from lightning_app.report.tables import points_table

FILE_NAME = "points.csv"


class RateAccuracy(Callback):
    """Prints the rate–accuracy table after each validation and test, and keeps its points.

    ``validate`` and ``test`` write them to ``points.csv`` in the logger's folder. With a `WandbLogger` each table is
    also logged there, as ``val/points`` or ``test/points``.
    """

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """After each validation of a fit, and after ``validate``."""
        if not trainer.sanity_checking:
            self._keep(trainer, pl_module, "val")

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """After ``test``."""
        self._keep(trainer, pl_module, "test")

    def _keep(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        points: list[Point] = pl_module.points  # type: ignore[assignment]
        folder = trainer.log_dir  # asks the other ranks, so every rank must
        if trainer.is_global_zero:
            self._show(trainer, points, stage, None if folder is None else Path(folder))

    def _show(self, trainer: Trainer, points: list[Point], stage: str, folder: Path | None) -> None:
        console = Console()
        console.print(points_table(points))
        if trainer.state.fn != "fit" and folder is not None:
            write_points(folder / FILE_NAME, points)
            console.print(f"Written to {folder / FILE_NAME}", soft_wrap=True)
        rows = [list(asdict(point).values()) for point in points]
        for logger in trainer.loggers:
            if isinstance(logger, WandbLogger):
                logger.log_table(f"{stage}/points", columns=list(asdict(points[0])), data=rows)
