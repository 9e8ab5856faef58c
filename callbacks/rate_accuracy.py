"""Show and keep the operating points of every evaluation: a table, ``points.csv``, and a W&B table."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.loggers import WandbLogger
from pytorch_lightning.utilities import rank_zero_only
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
            self._show(trainer, pl_module, "val")

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """After ``test``."""
        self._show(trainer, pl_module, "test")

    @rank_zero_only
    def _show(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        points: list[Point] = pl_module.points  # type: ignore[assignment]
        console = Console()
        console.print(points_table(points))
        if trainer.state.fn != "fit" and trainer.log_dir is not None:
            path = Path(trainer.log_dir) / FILE_NAME
            write_points(path, points)
            console.print(f"Written to {path}", soft_wrap=True)
        rows = [list(asdict(point).values()) for point in points]
        for logger in trainer.loggers:
            if isinstance(logger, WandbLogger):
                logger.log_table(f"{stage}/points", columns=list(asdict(points[0])), data=rows)
