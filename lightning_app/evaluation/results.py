"""From what was measured of each picture to operating points with intervals, and to curves against the anchor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lightning_app.evaluation.measurement import Measurement
from lightning_app.evaluation.resampling import Draws, differences, resample
from lightning_app.report.differences import Difference, write_differences
from lightning_app.report.points import Point
from lightning_app.report.rows import write_rows
from lightning_app.statistics import save_outcomes


@dataclass(frozen=True)
class PictureRow:
    """One picture at one operating point; a row of ``images.csv``.

    Attributes:
        point: name of the operating point.
        image: id of the picture, such as ``VOC2007/000001``.
        bits: that crossed.
        loss: Darknet's, all terms.
    """

    point: str
    image: str
    bits: int
    loss: float


@dataclass(frozen=True)
class Results:
    """What an evaluation found.

    Attributes:
        points: the operating points, in the order of the sweep.
        differences: each curve of several lossy points against the cloud-only one.
        measurements: what they were computed from.
    """

    points: list[Point] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    measurements: list[Measurement] = field(default_factory=list)

    def write(self, folder: Path, classes: Sequence[str]) -> list[Path]:
        """Write ``images.csv``, ``bd.csv`` and, last, ``outcomes.npz`` beside the ``points.csv``; give their paths.

        Args:
            folder: of the files.
            classes: names of the classes.
        """
        paths = [folder / name for name in ("images.csv", "bd.csv", "outcomes.npz")]
        write_rows(paths[0], PictureRow, (row for one in self.measurements for row in _rows(one)))
        write_differences(paths[1], self.differences)
        save_outcomes(paths[2], {one.point.name: one.outcomes for one in self.measurements}, classes)
        return paths


def summarise(measurements: Sequence[Measurement], resamples: int, seed: int) -> Results:
    """Add the intervals, and compare each curve of lossy points with the cloud-only one.

    Args:
        measurements: all of the same pictures.
        resamples: of the pictures.
        seed: of the resamples.
    """
    draws = Draws.of(len(measurements[0].ids), 1, resamples, seed)
    resampled = [resample([one], draws) for one in measurements]
    points = [one.point for one in resampled]
    return Results(points, differences(resampled, resampled), list(measurements))


def _rows(one: Measurement) -> list[PictureRow]:
    return [
        PictureRow(one.point.name, image, int(bits), float(loss))
        for image, bits, loss in zip(one.ids, one.bits, one.losses, strict=True)
    ]
