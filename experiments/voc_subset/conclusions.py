"""From the evaluations to what ``results/`` keeps: points, BD numbers and paired comparisons, as CSV."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from experiments.voc_subset.gains_page import gains_page
from experiments.voc_subset.plan import ANCHOR, CONTROL, QPS, WAYS, Subject, Way
from experiments.voc_subset.steps import Steps, listed, named
from lightning_app.evaluation.paired import compare_runs
from lightning_app.evaluation.runs import compare_curves, pool_runs, read_evaluation
from lightning_app.records.comparisons import Comparison, write_comparisons
from lightning_app.records.differences import Difference, write_differences
from lightning_app.records.points import Point, write_points

Runs = Mapping[str, Sequence[Path]]
"""Folders of the evaluations of each cut's runs; of runs that serve all cuts, under an empty name."""


def measure(steps: Steps, subject: Subject, results: Path) -> None:
    """Train, evaluate and compare one network way by way, and write its folder of the results after each."""
    folder = results / subject.name
    default, deep = _defaults(steps, subject)
    _write(folder / "default", [[default], [deep]], default)
    done: dict[str, Runs] = {}
    gains: list[Difference] = []
    comparisons: list[Comparison] = []
    rows = _rows("default", [default])
    for way in WAYS:
        runs = done[way.name] = _runs(steps, subject, way)
        _write(folder / way.name.replace(" ", "-"), list(runs.values()), default)
        gains += [_renamed(one, way) for several in runs.values() for one in compare_curves(several, default)]
        comparisons += _compared(way, runs, default, done.get(CONTROL.name, {}))
        rows += [row for several in runs.values() for row in _rows(way.name, several)]
        write_differences(folder / "gains.csv", gains)
        write_comparisons(folder / "comparisons.csv", comparisons)
        write_points(folder / "runs.csv", rows)
        (folder / "gains.md").write_text(gains_page(folder), encoding="utf-8")


def _defaults(steps: Steps, subject: Subject) -> tuple[Path, Path]:
    """The weights as they are: at 8 bits at every QP, with the cloud-only curve, and without loss at all depths."""
    cuts = ("--splits", listed(subject.splits))
    lossy = (*cuts, "--qps", QPS, "--anchor.qps", ANCHOR)
    lossless = (*cuts, "--depths", "[8,10,12]", "--codecs", "[HEVC,JPEGXL]", "--qps", "[lossless]")
    weights = subject.weights
    return steps.evaluate(subject, weights, "default", lossy), steps.evaluate(subject, weights, "deep", lossless)


def _runs(steps: Steps, subject: Subject, way: Way) -> Runs:
    """Train and evaluate a way: every cut and every seed."""
    if not way.cuts:
        options = (*way.measured, "--splits", listed(subject.splits), "--qps", QPS)
        return {"": [_run(steps, subject, way, None, seed, options) for seed in way.seeds]}
    found: dict[str, Sequence[Path]] = {}
    for cut in subject.splits[: way.cuts]:
        options = ("--model.channel.split", cut, *way.measured, "--splits", listed([cut]), "--qps", QPS)
        found[cut] = [_run(steps, subject, way, cut, seed, options) for seed in way.seeds]
    return found


def _run(steps: Steps, subject: Subject, way: Way, cut: str | None, seed: int, options: Sequence[str]) -> Path:
    weights = steps.fit(subject, way, cut, seed)
    return steps.evaluate(subject, weights, named(way, cut, seed), options, way)


def _write(folder: Path, several: Sequence[Sequence[Path]], anchor: Path) -> None:
    """The means over each sequence of runs, and their curves against the anchor's; features alone but for its own."""
    pooled = [pool_runs(runs, anchor) for runs in several]
    own = several[0][0] == anchor
    points = {p.name: p for one in pooled for p in one.points if own or p.system == "feature"}
    write_points(folder / "points.csv", (_named_by(point, folder.name) for point in points.values()))
    differences = [replace(d, weights=folder.name) for one in pooled for d in one.differences]
    write_differences(folder / "bd.csv", differences)


def _compared(way: Way, runs: Runs, default: Path, control: Runs) -> list[Comparison]:
    """A way against the weights as they are, and one with as many runs as the control against the control."""
    rows: list[Comparison] = []
    for cut, several in runs.items():
        ours = (f"{way.name} at {cut}" if cut else way.name, several)
        rows += compare_runs(ours, ("default", [default] * len(several)))
        if cut and len(several) == len(control.get("", [])):
            rows += compare_runs(ours, (CONTROL.name, control[""]))
    return rows


def _rows(name: str, runs: Sequence[Path]) -> list[Point]:
    """The points of every single run."""
    return [
        replace(_named_by(one.point, name), seed=seed)
        for seed, evaluation in enumerate(runs)
        for one in read_evaluation(evaluation).values()
    ]


def _renamed(difference: Difference, way: Way) -> Difference:
    return replace(difference, weights=way.name)


def _named_by(point: Point, weights: str) -> Point:
    """A point that tells its weights by a name, and no path of the machine that measured it."""
    return replace(point, weights=weights, network=Path(point.network).name)
