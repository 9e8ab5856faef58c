"""Two ways of training compared on the same pictures, as rows of ``comparisons.csv``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lightning_app.records.rows import read_rows, write_rows
from lightning_app.records.truth import ANNOTATIONS


@dataclass(frozen=True)
class Comparison:
    """One operating point of two ways of training, means over their runs; a row of ``comparisons.csv``.

    Intervals are of 95 %. Those called ``pictures`` are over resamples of the pictures, for these very runs; the others
    also over resamples of the runs.

    Attributes:
        ours: name of the one way.
        theirs: name of the other.
        split: layer that the network is cut behind; empty for uncoded pictures.
        curve: as ``Point.curve``.
        qp: quantisation parameter, ``lossless``, or ``original`` for uncoded pictures.
        runs: how many there are of each.
        map_ours: mAP, a fraction.
        map_theirs: mAP, a fraction.
        map_difference: ours less theirs, a fraction.
        map_low: lower end of its interval.
        map_high: upper end.
        map_low_pictures: lower end of its interval over pictures.
        map_high_pictures: upper end.
        penalty_ours: loss(coded) - loss(uncoded), mean over the pictures.
        penalty_theirs: the same of theirs.
        penalty_difference: ours less theirs.
        penalty_low: lower end of its interval.
        penalty_high: upper end.
        truth: what stood for the true boxes, as ``Point.truth``.
    """

    ours: str
    theirs: str
    split: str
    curve: str
    qp: str
    runs: int
    map_ours: float
    map_theirs: float
    map_difference: float
    map_low: float
    map_high: float
    map_low_pictures: float
    map_high_pictures: float
    penalty_ours: float
    penalty_theirs: float
    penalty_difference: float
    penalty_low: float
    penalty_high: float
    truth: str = ANNOTATIONS


def write_comparisons(path: Path, comparisons: Iterable[Comparison]) -> None:
    """Write ``comparisons.csv``, and the folders above it."""
    write_rows(path, Comparison, comparisons)


def read_comparisons(path: Path) -> list[Comparison]:
    """Read a ``comparisons.csv``.

    Raises:
        DataError: the file cannot be read or lacks a column.
    """
    return read_rows(path, Comparison, "comparisons.csv of this program")
