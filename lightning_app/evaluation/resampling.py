"""Intervals of operating points and of differences between curves, over resamples of pictures and of training runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightning_app.evaluation.measurement import Floats, Measurement
from lightning_app.records.differences import Difference
from lightning_app.records.points import Point
from lightning_app.statistics import (
    Span,
    bd_interval,
    compare,
    draw_counts,
    interval_about,
    resampled_mean,
    spread,
)

NOTHING = Span(None, None, 0.0)
"""The interval of a number that is not there."""


@dataclass(frozen=True, eq=False)
class Draws:
    """R resamples of I pictures and S runs: ``pictures`` (R, I) and ``runs`` (R, S), how often each is drawn."""

    pictures: NDArray[np.integer[Any]]
    runs: NDArray[np.integer[Any]]

    @classmethod
    def of(cls, pictures: int, runs: int, resamples: int, seed: int) -> Draws:
        """Draw both with replacement; a single run is in every resample once."""
        return cls(draw_counts(pictures, resamples, seed), draw_counts(runs, resamples, seed + 1))

    def mean(self, values: Sequence[Floats]) -> Floats:
        """The mean (R,) over the drawn runs of S values (R,).

        The mean of S draws from S runs varies by (S - 1) / S of what the mean of S new runs would: it is stretched.
        """
        every = np.stack(values, axis=1)  # (R, S)
        _, s = every.shape
        drawn: Floats = (every * self.runs).sum(axis=1) / self.runs.sum(axis=1)
        middle: Floats = every.mean(axis=1)
        return middle + (drawn - middle) * np.sqrt(s / (s - 1)) if s > 1 else drawn


@dataclass(frozen=True, eq=False)
class ResampledPoint:
    """One operating point: the mean over its runs, and ``kbpi`` (R,) and ``map`` (R,), a fraction, of each resample."""

    point: Point
    kbpi: Floats
    map: Floats


def resample(runs: Sequence[Measurement], draws: Draws) -> ResampledPoint:
    """One operating point from the S runs that reached it, which differ in their seeds; or from one.

    Its interval holds what the pictures and, with several runs, what the seeds make of it.
    """
    maps = draws.mean([one.resampled_map(draws.pictures) for one in runs])
    rates = draws.mean([resampled_mean(one.bits / 1000, draws.pictures) for one in runs])
    points = [one.point for one in runs]
    means = {name: _mean(points, name) for name in ("kbpi", "kbpi_std", "map", "map_area", "loss", "map75", "map_coco")}
    low, high = interval_about(float(np.mean([point.map for point in points])), maps)
    point = replace(points[0], **means, map_std=spread(maps), map_low=low, map_high=high)  # type: ignore[arg-type]
    return ResampledPoint(point, rates, maps)


def differences(anchors: Sequence[ResampledPoint], points: Sequence[ResampledPoint]) -> list[Difference]:
    """Each curve of lossy points of ``points`` against the first cloud-only one of ``anchors``, if there is one."""
    anchor = next((curve for curve in _curves(anchors) if curve[0].point.system == "cloud-only"), None)
    if anchor is None:
        return []
    return [_difference(anchor, curve) for curve in _curves(points) if curve[0].point.system != "cloud-only"]


def split_differences(anchors: Sequence[ResampledPoint], points: Sequence[ResampledPoint]) -> list[Difference]:
    """Each curve of lossy points of features against the curve of ``anchors`` at the same split."""
    by_split = {curve[0].point.split: curve for curve in _curves(anchors)}
    return [
        _difference(by_split[curve[0].point.split], curve)
        for curve in _curves(points)
        if curve[0].point.system != "cloud-only" and curve[0].point.split in by_split
    ]


def _curves(points: Sequence[ResampledPoint]) -> list[list[ResampledPoint]]:
    """The lossy points, those together that differ in QP alone."""
    curves: dict[str, list[ResampledPoint]] = {}
    for one in points:
        if one.point.qp.isdigit():
            curves.setdefault(one.point.curve, []).append(one)
    return list(curves.values())


def _difference(anchor: Sequence[ResampledPoint], curve: Sequence[ResampledPoint]) -> Difference:
    found = compare(_drawn(anchor), _drawn(curve))
    spans = bd_interval(*_resampled(anchor), *_resampled(curve))
    # Where the curves share no range, only lucky resamples do: an interval of those alone is none of the difference.
    rate = spans.pchip if found.pchip is not None else NOTHING
    accuracy = spans.map if found.map is not None else NOTHING
    point = curve[0].point
    return Difference(
        curve=point.curve,
        split=point.split,
        weights=point.weights,
        anchor=anchor[0].point.curve,
        bd_kbpi_cubic=found.cubic,
        bd_kbpi=found.pchip,
        bd_kbpi_low=rate.low,
        bd_kbpi_high=rate.high,
        bd_map=found.map,
        bd_map_low=accuracy.low,
        bd_map_high=accuracy.high,
        note=" ".join([*found.notes, *_unusable(rate.usable)]),
        truth=point.truth,
        map_share=found.map_share,
        rate_share=found.rate_share,
    )


def _unusable(usable: float) -> list[str]:
    """A sentence, if some resamples had no difference of the rate."""
    return [f"{100 * (1 - usable):.0f} % of the resamples have no overlap."] if 0 < usable < 1 else []


def _drawn(points: Sequence[ResampledPoint]) -> tuple[list[float], list[float]]:
    """KBPI and mAP of a curve's points."""
    return [one.point.kbpi for one in points], [one.point.map for one in points]


def _resampled(points: Sequence[ResampledPoint]) -> tuple[Floats, Floats]:
    """KBPI and mAP of a curve's points, each (R, Q)."""
    return np.stack([one.kbpi for one in points], axis=1), np.stack([one.map for one in points], axis=1)


def _mean(points: Sequence[Point], name: str) -> float | None:
    values = [getattr(point, name) for point in points]
    return None if None in values else float(np.mean(values))
