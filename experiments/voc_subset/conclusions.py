"""From the evaluations to what ``results/`` keeps: points, BD numbers and paired comparisons, as CSV."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from experiments.voc_subset.plan import ANCHOR, QPS, SEEDS, Subject, Training
from experiments.voc_subset.steps import Steps
from lightning_app.evaluation.paired import compare_runs
from lightning_app.evaluation.runs import pool_runs, read_evaluation
from lightning_app.records.comparisons import write_comparisons
from lightning_app.records.differences import write_differences
from lightning_app.records.points import Point, write_points

Runs = Mapping[str, Sequence[Path]]
"""Folders of the evaluations of each cut's runs."""


def measure(steps: Steps, subject: Subject, training: Training, results: Path) -> None:
    """Train, evaluate and compare one network, and write its folder of the results."""
    default, deep = _defaults(steps, subject)
    control = [_control(steps, subject, training, seed) for seed in SEEDS]
    retrained = {cut: [_retrained(steps, subject, training, cut, seed) for seed in SEEDS] for cut in subject.retrained}
    folder = results / subject.name
    _write(folder / "default", [[default], [deep]], default)
    _write(folder / "control", [control], default)
    _write(folder / "retrained", list(retrained.values()), default)
    _compare(folder, default, control, retrained)
    _write_runs(folder, {"default": [default], "control": control, **_named(retrained)})


def _defaults(steps: Steps, subject: Subject) -> tuple[Path, Path]:
    """The weights as they are: at 8 bits at every QP, with the cloud-only curve, and lossless at 10 and 12."""
    cuts = ("--splits", _listed(subject.splits))
    lossy = (*cuts, "--qps", QPS, "--anchor.qps", ANCHOR)
    lossless = (*cuts, "--depths", "[10,12]", "--qps", "[lossless]")
    weights = subject.weights
    return steps.evaluate(subject, weights, "default", lossy), steps.evaluate(subject, weights, "deep", lossless)


def _control(steps: Steps, subject: Subject, training: Training, seed: int) -> Path:
    weights = steps.fit(subject, training, None, seed)
    cuts = ("--splits", _listed(subject.retrained), "--qps", QPS)
    return steps.evaluate(subject, weights, f"{training.name}/control.{seed}", cuts)


def _retrained(steps: Steps, subject: Subject, training: Training, cut: str, seed: int) -> Path:
    weights = steps.fit(subject, training, cut, seed)
    name = f"{training.name}/retrained.{cut}.{seed}"
    return steps.evaluate(subject, weights, name, ("--splits", _listed([cut]), "--qps", QPS))


def _write(folder: Path, several: Sequence[Sequence[Path]], anchor: Path) -> None:
    """The means over each sequence of runs, and their curves against the anchor's; features alone but for its own."""
    pooled = [pool_runs(runs, anchor) for runs in several]
    own = several[0][0] == anchor
    points = {p.name: p for one in pooled for p in one.points if own or p.system == "feature"}
    write_points(folder / "points.csv", (_named_by(point, folder.name) for point in points.values()))
    differences = [replace(d, weights=folder.name) for one in pooled for d in one.differences]
    write_differences(folder / "bd.csv", differences)


def _compare(folder: Path, default: Path, control: Sequence[Path], retrained: Runs) -> None:
    """Every way of training against the weights as they are, and retraining against its control."""
    before = ("default", [default] * len(SEEDS))
    rows = compare_runs(("control", control), before)
    for name, runs in _named(retrained).items():
        rows += compare_runs((name, runs), before) + compare_runs((name, runs), ("control", control))
    write_comparisons(folder / "comparisons.csv", rows)


def _write_runs(folder: Path, runs: Runs) -> None:
    """The points of every single run."""
    rows = [
        replace(_named_by(one.point, name), seed=seed)
        for name, folders in runs.items()
        for seed, evaluation in enumerate(folders)
        for one in read_evaluation(evaluation).values()
    ]
    write_points(folder / "runs.csv", rows)


def _named_by(point: Point, weights: str) -> Point:
    """A point that tells its weights by a name, and no path of the machine that measured it."""
    return replace(point, weights=weights, network=Path(point.network).name)


def _named(retrained: Runs) -> dict[str, Sequence[Path]]:
    return {f"retrained at {cut}": runs for cut, runs in retrained.items()}


def _listed(names: Sequence[str]) -> str:
    return f"[{','.join(names)}]"
