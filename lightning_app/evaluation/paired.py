"""Two ways of training compared on the same pictures, run against run: what one adds beyond the noise.

One mAP on a few hundred pictures is uncertain by points; the difference of two on the same pictures by far less, since
a hard picture is hard for both. Beside mAP stands the penalty of coding, loss(coded) - loss(uncoded), which every
picture adds to and which resolves what mAP cannot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from lightning_app.errors import DataError
from lightning_app.evaluation.measurement import Measurement
from lightning_app.evaluation.resampling import Draws
from lightning_app.evaluation.runs import check_alike, read_evaluation
from lightning_app.records.comparisons import Comparison
from lightning_app.statistics import interval, interval_about, resampled_mean

Run = dict[str, Measurement]


def compare_runs(
    ours: tuple[str, Sequence[Path]], theirs: tuple[str, Sequence[Path]], resamples: int = 1000, seed: int = 0
) -> list[Comparison]:
    """Compare every operating point that all runs have.

    Args:
        ours: a name, and the folders of the evaluations of its runs.
        theirs: another; run k of both began from the same seed, and the two are resampled together. A transform that
            all features of one of the two have, and those of the other have not, does not matter.
        resamples: of pictures and of runs.
        seed: of the resamples.

    Raises:
        DataError: a folder cannot be read, or the evaluations are not of the same pictures and truth.
    """
    mine, other = ([_read(folder) for folder in folders] for _, folders in (ours, theirs))
    if len(mine) != len(other):
        raise DataError(f"runs are compared in pairs, not {len(mine)} with {len(other)}")
    check_alike([*mine, *other])
    uncoded = uncoded_name(mine[0])
    draws = Draws.of(len(mine[0][uncoded].ids), len(mine), resamples, seed)
    names = [name for name in mine[0] if all(name in run for run in (*mine, *other))]
    return [_compare(ours[0], theirs[0], name, uncoded, mine, other, draws) for name in names]


def _read(folder: Path) -> Run:
    """The points of an evaluation by their names: without the transform, if all features have the same one."""
    found = list(read_evaluation(folder).values())
    if len({one.point.transform for one in found if one.point.system == "feature"}) == 1:
        found = [replace(one, point=replace(one.point, transform="")) for one in found]
    return {one.point.name: one for one in found}


def uncoded_name(run: Run) -> str:
    """Name of the operating point at which nothing is coded."""
    for name, one in run.items():
        if one.point.codec == "original":
            return name
    raise DataError("an evaluation has no uncoded pictures to compare with: let --anchor.qps hold `original`")


def _compare(
    ours: str, theirs: str, name: str, uncoded: str, mine: Sequence[Run], other: Sequence[Run], draws: Draws
) -> Comparison:
    point = mine[0][name].point
    maps = [run[name].resampled_map(draws.pictures) for run in (*mine, *other)]
    by_run = [a - b for a, b in zip(maps[: len(mine)], maps[len(mine) :], strict=True)]  # S of (R,)
    map_ours, map_theirs = (float(np.mean([run[name].point.map for run in runs])) for runs in (mine, other))
    penalties = [np.array([run[name].losses - run[uncoded].losses for run in runs]) for runs in (mine, other)]  # (S, I)
    penalty_ours, penalty_theirs = (float(values.mean()) for values in penalties)
    extra = [resampled_mean(one, draws.pictures) for one in penalties[0] - penalties[1]]  # S of (R,)
    map_low, map_high = interval_about(map_ours - map_theirs, draws.mean(by_run))
    map_low_pictures, map_high_pictures = interval_about(map_ours - map_theirs, np.mean(by_run, axis=0))
    penalty_low, penalty_high = interval(draws.mean(extra))
    return Comparison(
        ours=ours,
        theirs=theirs,
        split=point.split,
        curve=point.curve,
        qp=point.qp,
        runs=len(mine),
        map_ours=map_ours,
        map_theirs=map_theirs,
        map_difference=map_ours - map_theirs,
        map_low=map_low,
        map_high=map_high,
        map_low_pictures=map_low_pictures,
        map_high_pictures=map_high_pictures,
        penalty_ours=penalty_ours,
        penalty_theirs=penalty_theirs,
        penalty_difference=penalty_ours - penalty_theirs,
        penalty_low=penalty_low,
        penalty_high=penalty_high,
        truth=point.truth,
    )
