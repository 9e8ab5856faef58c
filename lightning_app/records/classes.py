"""The precision of each class: the terms of mean average precision, as rows of ``classes.csv``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from lightning_app.records.rows import write_rows


@dataclass(frozen=True)
class ClassRow:
    """One class at one operating point; a row of ``classes.csv``.

    Attributes:
        point: name of the operating point: its curve and its QP.
        class_name: name of the class.
        objects: how many true objects of the class there are; difficult ones are not counted.
        ap: average precision by VOC2007's 11 points, a fraction; None for a class without objects.
        ap_area: average precision by the area under the curve, a fraction, or None.
    """

    point: str
    class_name: str
    objects: int
    ap: float | None
    ap_area: float | None


def class_rows(point: str, classes: Sequence[str], values: Mapping[str, ArrayLike]) -> list[ClassRow]:
    """The rows of one operating point.

    Args:
        point: its name.
        classes: names of the classes, in the order of their labels.
        values: ``objects``, ``ap`` and ``ap_area`` (classes,), as `lightning_app.metrics.precisions` computes them.
    """
    columns = (np.atleast_1d(np.asarray(values[name], float)) for name in ("objects", "ap", "ap_area"))
    return [
        ClassRow(point, name, int(objects), _known(ap), _known(area))
        for name, objects, ap, area in zip(classes, *columns, strict=True)
    ]


def write_classes(path: Path, rows: Iterable[ClassRow]) -> None:
    """Write ``classes.csv``, and the folders above it."""
    write_rows(path, ClassRow, rows)


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
