"""What Weights & Biases is given: tables of the points and classes, mAP against KBPI by curve, and BD numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict

from pytorch_lightning import Trainer
from pytorch_lightning.loggers import WandbLogger

from lightning_app.records.classes import ClassRow
from lightning_app.records.differences import Difference
from lightning_app.records.points import Point
from lightning_app.records.truth import behind_title, is_taught

BD_NAMES = {
    "bd_kbpi_cubic": "kbpi_percent_cubic",
    "bd_kbpi": "kbpi_percent",
    "bd_kbpi_low": "kbpi_percent_low",
    "bd_kbpi_high": "kbpi_percent_high",
    "bd_map": "map",
    "bd_map_low": "map_low",
    "bd_map_high": "map_high",
}
"""The numbers of a ``Difference``, and what the run's summary calls them behind ``bd/CURVE/``."""


def log_points(
    logger: WandbLogger, stage: str, points: Sequence[Point], differences: Sequence[Difference], step: int
) -> None:
    """Log ``STAGE/points``, a table; ``STAGE/curves``, a chart; and BD numbers in the run's summary.

    Args:
        logger: of the run, on rank zero.
        stage: that measured the points, such as ``val`` or ``test``.
        points: at least one.
        differences: between curves; may be none.
        step: of the optimiser, as `lightning_fixes.logged_step` has it.
    """
    rows = [asdict(point) for point in points]
    logger.log_table(f"{stage}/points", list(rows[0]), [list(row.values()) for row in rows], step=step)
    _log_curves(logger, f"{stage}/curves", points, step)
    logger.experiment.summary.update(bd_summary(differences))


def log_classes(logger: WandbLogger, stage: str, rows: Sequence[ClassRow], step: int) -> None:
    """Log ``STAGE/classes``, a table of what each class reached at each point; nothing where there are no rows."""
    if rows:
        cells = [list(asdict(row).values()) for row in rows]
        logger.log_table(f"{stage}/classes", list(asdict(rows[0])), cells, step=step)


def _log_curves(logger: WandbLogger, key: str, points: Sequence[Point], step: int) -> None:
    """One line a curve, where there is one."""
    import wandb  # takes half a second, which only who logs there should wait for

    curves = {name: rated for name, curve in by_curve(points).items() if len(rated := _rated(curve)) > 1}
    if not curves:
        return
    chart = wandb.plot.line_series(
        xs=[[point.kbpi for point in curve] for curve in curves.values()],
        ys=[[100 * point.map for point in curve] for curve in curves.values()],
        keys=list(curves),
        title=f"mAP % (11-point) against kilobits per image{behind_title(points[0].truth)}",
        xname="KBPI",
    )
    logger.log_metrics({key: chart}, step)  # type: ignore[dict-item]


def by_curve(points: Sequence[Point]) -> dict[str, list[Point]]:
    """The points of each curve, in their order, by its name."""
    curves: dict[str, list[Point]] = {}
    for point in points:
        curves.setdefault(point.curve, []).append(point)
    return curves


def _rated(curve: Sequence[Point]) -> list[Point]:
    """Those whose rate is known, by rising rate."""
    return sorted((point for point in curve if math.isfinite(point.kbpi)), key=lambda point: point.kbpi)


def bd_summary(differences: Sequence[Difference]) -> dict[str, float | str]:
    """``bd/max_7 tiled 8-bit HEVC/kbpi_percent`` and its like, of the numbers that there are; and a teacher's truth."""
    taught = {f"bd/{one.curve}/truth": one.truth for one in differences if is_taught(one.truth)}
    numbers = {
        f"bd/{difference.curve}/{name}": number
        for difference in differences
        for attribute, name in BD_NAMES.items()
        if (number := getattr(difference, attribute)) is not None
    }
    return {**numbers, **taught}


def wandb_loggers(trainer: Trainer) -> list[WandbLogger]:
    """The trainer's loggers that log to Weights & Biases; on rank zero alone they have a run."""
    return [logger for logger in trainer.loggers if isinstance(logger, WandbLogger)]
