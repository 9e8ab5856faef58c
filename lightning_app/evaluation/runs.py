"""Evaluations of several training runs that differ in their seeds, read back from their folders and taken together."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lightning_app.errors import DataError
from lightning_app.evaluation.measurement import Measurement
from lightning_app.evaluation.resampling import Draws, differences, resample
from lightning_app.evaluation.results import Results
from lightning_app.report.points import read_points
from lightning_app.statistics import load_outcomes


def read_evaluation(folder: Path) -> dict[str, Measurement]:
    """The operating points of an evaluation, by name.

    Raises:
        DataError: a file of `dfc evaluate` is missing or broken, or they are not of one evaluation.
    """
    outcomes = load_outcomes(folder / "outcomes.npz")
    rows: dict[str, list[dict[str, str]]] = {}
    try:
        with (folder / "images.csv").open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                rows.setdefault(row["point"], []).append(row)
        return {
            point.name: Measurement(
                point,
                [row["image"] for row in rows[point.name]],
                outcomes[point.name],
                np.array([int(row["bits"]) for row in rows[point.name]], np.float64),
                np.array([float(row["loss"]) for row in rows[point.name]]),
            )
            for point in read_points(folder / "points.csv")
        }
    except (OSError, KeyError, ValueError) as error:
        raise DataError(f"{folder} is no folder that `dfc evaluate` wrote: {error!r}") from error


def pool_runs(folders: Sequence[Path], anchor: Path, resamples: int = 1000, seed: int = 0) -> Results:
    """The operating points that all runs have, each the mean of its runs, and their curves against an anchor's.

    Args:
        folders: of the evaluations, one a run.
        anchor: folder of the evaluation that has the cloud-only curve; it may be one of them.
        resamples: of the pictures and of the runs.
        seed: of the resamples.

    Raises:
        DataError: the evaluations are not of the same pictures, or a folder cannot be read.
    """
    runs, whole = [read_evaluation(folder) for folder in folders], read_evaluation(anchor)
    check_same_pictures([*runs, whole])
    pictures = len(next(iter(whole.values())).ids)
    draws = Draws.of(pictures, len(runs), resamples, seed)
    pooled = [resample([run[name] for run in runs], draws) for name in runs[0] if all(name in run for run in runs)]
    alone = Draws(draws.pictures, np.ones((resamples, 1), int))
    anchors = [resample([one], alone) for one in whole.values() if one.point.system == "cloud-only"]
    return Results([one.point for one in pooled], differences(anchors, pooled))


def check_same_pictures(runs: Sequence[dict[str, Measurement]]) -> None:
    """Refuse evaluations of different pictures, with a DataError."""
    ids = {tuple(one.ids) for run in runs for one in run.values()}
    if len(ids) != 1:
        raise DataError("the evaluations are of different pictures: evaluate them all on the same test set")
