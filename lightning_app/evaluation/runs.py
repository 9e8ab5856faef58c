"""Evaluations of several training runs that differ in their seeds, read back from their folders and taken together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lightning_app.errors import DataError
from lightning_app.evaluation.measurement import Measurement
from lightning_app.evaluation.resampling import Draws, ResampledPoint, differences, resample, split_differences
from lightning_app.evaluation.results import PictureRow, Results
from lightning_app.records.differences import Difference
from lightning_app.records.points import Point, read_points
from lightning_app.records.rows import read_rows
from lightning_app.records.truth import check_one_truth
from lightning_app.statistics import Outcomes, check_same_levels, load_outcomes, load_truths


def read_evaluation(folder: Path) -> dict[str, Measurement]:
    """The operating points of an evaluation, by name.

    Raises:
        DataError: a file of `dfc evaluate` is missing or broken, or they are not of one evaluation.
    """
    outcomes, pictures = load_outcomes(folder / "outcomes.npz"), defaultdict[str, list[PictureRow]](list)
    for row in read_rows(folder / "images.csv", PictureRow, "images.csv that `dfc evaluate` wrote"):
        pictures[row.point].append(row)
    points = {point.name: point for point in read_points(folder / "points.csv")}
    truths = {name: point.truth for name, point in points.items()}
    if not points.keys() == outcomes.keys() == pictures.keys() or truths != load_truths(folder / "outcomes.npz"):
        raise DataError(f"{folder} is no folder that `dfc evaluate` wrote: its files are of different evaluations")
    return {name: _measurement(point, pictures[name], outcomes[name]) for name, point in points.items()}


def _measurement(point: Point, pictures: Sequence[PictureRow], outcomes: Outcomes) -> Measurement:
    bits, losses = ([getattr(row, name) for row in pictures] for name in ("bits", "loss"))
    return Measurement(point, [row.image for row in pictures], outcomes, np.array(bits, float), np.array(losses))


def pool_runs(folders: Sequence[Path], anchor: Path, resamples: int = 1000, seed: int = 0) -> Results:
    """The operating points that all runs have, each the mean of its runs, and their curves against an anchor's.

    Args:
        folders: of the evaluations, one a run.
        anchor: folder of the evaluation that has the cloud-only curve; it may be one of them.
        resamples: of the pictures and of the runs.
        seed: of the resamples.

    Raises:
        DataError: the evaluations are not of the same pictures and truth, or a folder cannot be read.
    """
    pooled, anchors = _resampled(folders, anchor, "cloud-only", resamples, seed)
    return Results([one.point for one in pooled], differences(anchors, pooled))


def compare_curves(folders: Sequence[Path], before: Path, resamples: int = 1000, seed: int = 0) -> list[Difference]:
    """The curves of features, each the mean of its runs, against those of other weights at the same splits.

    Args:
        folders: of the evaluations, one a run.
        before: folder of the evaluation of the weights to compare with, which has one curve for each split.
        resamples: of the pictures and of the runs.
        seed: of the resamples.

    Raises:
        DataError: the evaluations are not of the same pictures and truth, or a folder cannot be read.
    """
    pooled, base = _resampled(folders, before, "feature", resamples, seed)
    return split_differences(base, pooled)


def _resampled(
    folders: Sequence[Path], other: Path, system: str, resamples: int, seed: int
) -> tuple[list[ResampledPoint], list[ResampledPoint]]:
    """The points that all runs have; and those of one system of another evaluation, by the same draws of pictures."""
    runs, single = [read_evaluation(folder) for folder in folders], read_evaluation(other)
    check_alike([*runs, single])
    draws = Draws.of(len(next(iter(single.values())).ids), len(runs), resamples, seed)
    pooled = [resample([run[name] for run in runs], draws) for name in runs[0] if all(name in run for run in runs)]
    alone = Draws(draws.pictures, np.ones((resamples, 1), int))
    return pooled, [resample([one], alone) for one in single.values() if one.point.system == system]


def check_alike(runs: Sequence[dict[str, Measurement]]) -> None:
    """Refuse evaluations of different pictures, truths or levels of recall, with a DataError."""
    ids = {tuple(one.ids) for run in runs for one in run.values()}
    if len(ids) != 1:
        raise DataError("the evaluations are of different pictures: evaluate them all on the same test set")
    points = [one.point for run in runs for one in run.values()]
    check_one_truth(point.truth for point in points)
    check_same_levels(point.recall_levels for point in points)
