"""From what was measured of each picture to operating points with intervals, and to curves against the anchor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lightning_app.errors import DataError
from lightning_app.evaluation.measurement import Floats, Measurement
from lightning_app.evaluation.resampling import Draws, differences, resample
from lightning_app.records.classes import ClassRow
from lightning_app.records.differences import Difference, write_differences
from lightning_app.records.points import Point
from lightning_app.records.rows import write_rows
from lightning_app.records.truth import ANNOTATIONS, TEACHER_SCORE, beside_map, is_taught
from lightning_app.statistics import Outcomes, outcomes_file

UNFINISHED = "outcomes.unfinished.npz"
"""The outcomes, until all other files are there."""


@dataclass(frozen=True)
class PictureRow:
    """One picture at one operating point; a row of ``images.csv``.

    Attributes:
        point: name of the operating point.
        image: id of the picture, such as ``VOC2007/000001``.
        bits: that were sent.
        loss: Darknet's, all terms.
    """

    point: str
    image: str
    bits: int
    loss: float


class Pictures(NamedTuple):
    """I pictures at one operating point: its name, their ids, and the bits (I,) and the loss (I,) of each."""

    point: str
    ids: list[str]
    bits: Floats
    losses: Floats

    def rows(self) -> Iterator[PictureRow]:
        """Of ``images.csv``."""
        for image, bits, loss in zip(self.ids, self.bits, self.losses, strict=True):
            yield PictureRow(self.point, image, int(bits), float(loss))


@dataclass(frozen=True)
class Results:
    """What an evaluation found.

    Attributes:
        points: the operating points, in the order of the sweep.
        differences: each curve of several lossy points against the cloud-only one.
        pictures: what each picture cost at each point.
        class_rows: what each class reached at each point.
        objects: how many true boxes there are, and in how many of the pictures.
    """

    points: list[Point] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    pictures: list[Pictures] = field(default_factory=list)
    class_rows: list[ClassRow] = field(default_factory=list)
    objects: tuple[int, int] = (0, 0)

    def write(self, folder: Path) -> list[Path]:
        """Write ``images.csv``, ``bd.csv`` and, last, ``outcomes.npz`` beside the ``points.csv``; give their paths.

        Args:
            folder: of the files, which `summarise` has got.
        """
        paths = [folder / name for name in ("images.csv", "bd.csv", "outcomes.npz")]
        write_rows(paths[0], PictureRow, (row for one in self.pictures for row in one.rows()))
        write_differences(paths[1], self.differences)
        (folder / UNFINISHED).replace(paths[2])
        return paths


def summarise(
    measurements: Iterable[Measurement], resamples: int, seed: int, folder: Path, classes: Sequence[str]
) -> Results:
    """Add the intervals, and compare each curve of lossy points with the cloud-only one.

    Args:
        measurements: all of the same pictures. Each is let go of before the next is asked for, since its outcomes are
            by far the largest of what is known of an operating point: they are written to ``folder``.
        resamples: of the pictures.
        seed: of the resamples.
        folder: where the results will be written.
        classes: names of the classes.

    Raises:
        DataError: a teacher finds nothing at all.
    """
    resampled, pictures, rows, draws = [], [], list[ClassRow](), None
    objects, truth = (0, 0), ANNOTATIONS
    with outcomes_file(folder / UNFINISHED, classes) as add:
        for one in measurements:
            draws = draws or Draws.of(len(one.ids), 1, resamples, seed)
            resampled.append(resample([one], draws))
            pictures.append(Pictures(one.point.name, one.ids, one.bits, one.losses))
            rows += one.class_rows
            add(one.point.name, one.outcomes, one.point.truth)
            objects, truth = _objects(one.outcomes), one.point.truth
            del one
        if is_taught(truth) and not objects[0]:
            raise DataError(
                f"nothing can be measured{beside_map(truth)}: it finds no box with a score above {TEACHER_SCORE}; "
                "give a trained network as --teacher"
            )
    points = [one.point for one in resampled]
    return Results(points, differences(resampled, resampled), pictures, rows, objects)


def _objects(outcomes: Outcomes) -> tuple[int, int]:
    """How many true boxes there are, and in how many pictures."""
    return int(outcomes.truths[:, 2].sum()), len(np.unique(outcomes.truths[:, 0]))
