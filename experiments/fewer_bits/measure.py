"""Each row's evaluation, as a curve against the weights as they are with HEVC, and against cloud-only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from experiments.fewer_bits.channel_ranges import channel_ranges
from experiments.fewer_bits.plan import Row
from experiments.voc_subset.plan import ANCHOR, QPS, Subject
from experiments.voc_subset.steps import Steps, listed, named
from lightning_app.channel import QPOption
from lightning_app.evaluation.measurement import Measurement
from lightning_app.evaluation.resampling import Draws, ResampledPoint, differences, resample, split_differences
from lightning_app.evaluation.runs import check_alike, read_evaluation
from lightning_app.records.differences import Difference
from lightning_app.records.points import Point


@dataclass(frozen=True)
class Gain:
    """A row of ``gains.csv``.

    Attributes:
        group: heading under which the row stands.
        name: of the row.
        split: layer that the network is cut behind.
        bd_default: bits against the weights as they are with HEVC at 8 bits, at equal mAP, in percent; None where the
            curves share no range.
        bd_default_low: lower end of its 95 % interval over resamples of the pictures.
        bd_default_high: its upper end.
        bd_cloud: the same against pictures by HEVC 4:2:0.
        bd_cloud_low: lower end of its interval.
        bd_cloud_high: its upper end.
        map_lossless: mAP where the codec loses nothing, a fraction; at the most levels, where levels are swept.
        map_share: range of mAP over which ``bd_default`` is averaged, as a fraction of the wider of both ranges.
        note: that says why a number is missing or to be doubted.
    """

    group: str
    name: str
    split: str
    bd_default: float | None
    bd_default_low: float | None
    bd_default_high: float | None
    bd_cloud: float | None
    bd_cloud_low: float | None
    bd_cloud_high: float | None
    map_lossless: float
    map_share: float | None
    note: str


def baseline(steps: Steps, subject: Subject, split: str) -> Path:
    """The folder of the evaluation that all rows are compared with."""
    options = ("--splits", listed([split]), "--qps", QPS, "--anchor.qps", ANCHOR)
    return steps.evaluate(subject, subject.weights, f"fewer-bits/{split}", options)


def measured(steps: Steps, subject: Subject, split: str, row: Row) -> dict[str, Measurement]:
    """The operating points of a row, by name."""
    if row.by_channel:
        names = QPS.strip("[]").split(",")
        qps: list[QPOption] = ["lossless", *(int(name) for name in names if name.isdigit())]
        return channel_ranges(steps.devkit, subject, split, qps)
    return _as_one_curve(row, read_evaluation(_evaluated(steps, subject, split, row)))


def _evaluated(steps: Steps, subject: Subject, split: str, row: Row) -> Path:
    """The folder of a row's evaluation."""
    cut = ("--model.channel.split", split, *row.swept, "--splits", listed([split]))
    weights = subject.weights
    name = f"fewer-bits/{split}-{row.name.replace('/', '-of-').replace(' ', '-')}"
    if row.way is None:
        return steps.evaluate(subject, weights, name, (*cut, "--data.train", "[VOC2007/trainval]"))
    weights = steps.fit(subject, row.way, split, 0)
    return steps.evaluate(subject, weights, named(row.way, split, 0), cut, row.way)


def compared(
    row: Row, split: str, ours: dict[str, Measurement], default: Path, resamples: int = 1000
) -> tuple[Gain, list[Point]]:
    """A row's numbers and its points."""
    theirs = read_evaluation(default)
    check_alike([ours, theirs])
    draws = Draws.of(len(next(iter(theirs.values())).ids), 1, resamples, 0)
    curve = [resample([one], draws) for one in ours.values() if one.point.system == "feature"]
    base = [resample([one], draws) for one in theirs.values()]
    (against,) = split_differences([one for one in base if one.point.system == "feature"], curve)
    (cloud,) = differences(base, curve)
    return _gain(row, split, against, cloud, curve), [one.point for one in curve]


def _as_one_curve(row: Row, found: Mapping[str, Measurement]) -> dict[str, Measurement]:
    """The points of swept levels as points of a curve, which differ in a number that stands where a QP does."""
    if not row.by_levels:
        return dict(found)
    (scaling,) = row.options
    curve = {}
    for name, one in found.items():
        if one.point.system == "feature":
            levels = one.point.scaling.partition("/")[2]
            curve[name] = replace(one, point=replace(one.point, scaling=scaling, qp=levels))
    return curve


def _gain(row: Row, split: str, against: Difference, cloud: Difference, curve: list[ResampledPoint]) -> Gain:
    best = [one.point for one in curve if one.point.qp == "lossless"] or [curve[-1].point]
    return Gain(
        row.group,
        row.name,
        split,
        against.bd_kbpi,
        against.bd_kbpi_low,
        against.bd_kbpi_high,
        cloud.bd_kbpi,
        cloud.bd_kbpi_low,
        cloud.bd_kbpi_high,
        best[0].map,
        against.map_share,
        against.note,
    )
