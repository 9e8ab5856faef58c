"""The experiment as a whole, on a handful of the real pictures: every step, once, and what it leaves."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from experiments.voc_subset import choice, conclusions
from experiments.voc_subset.plan import CANDIDATES, Subject, Training, subjects
from experiments.voc_subset.steps import Steps
from lightning_app.records.comparisons import read_comparisons
from lightning_app.records.differences import read_differences
from lightning_app.records.points import read_points

Dfc = Callable[..., tuple[int, str, str]]
PICTURES = 8
SPLIT = "max_7"


@pytest.fixture
def devkit(shared: Path, tmp_path: Path) -> Path:
    """A devkit whose sets have eight pictures each."""
    source, root = shared / "VOCdevkit/VOC2007", tmp_path / "VOCdevkit/VOC2007"
    (root / "ImageSets/Main").mkdir(parents=True)
    for name in ("JPEGImages", "Annotations"):
        (root / name).symlink_to(source / name)
    for name in ("train", "val", "trainval", "test"):
        lines = (source / f"ImageSets/Main/{name}.txt").read_text().splitlines()
        (root / f"ImageSets/Main/{name}.txt").write_text("\n".join(lines[:PICTURES]) + "\n")
    return root.parent


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The number of training batches .* is smaller than the logging interval")
@pytest.mark.filterwarnings("ignore:Checkpoint directory .* exists and is not empty")
def test_the_experiment_chooses_measures_and_reports_and_does_nothing_twice(
    dfc: Dfc, shared: Path, devkit: Path, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def in_this_process(steps: Steps, *arguments: object) -> None:  # a process of its own takes ten seconds to begin
        status, _, err = dfc(*map(str, arguments))
        assert status == 0, err

    monkeypatch.setattr(Steps, "_dfc", in_this_process)
    monkeypatch.setattr(choice, "CANDIDATES", CANDIDATES[:1])
    monkeypatch.setattr(conclusions, "SEEDS", (0,))
    lite, _ = subjects(shared / "weights")
    subject = Subject(lite.name, lite.config, lite.network, lite.weights, (SPLIT, "max_9"), (SPLIT,))
    steps, results = Steps(devkit, workplace / "work"), workplace / "results"

    def run() -> Training:
        chosen = choice.choose(steps, subject, results)
        conclusions.measure(steps, subject, chosen, results)
        steps.report(results / subject.name)
        return chosen

    assert run() == CANDIDATES[0]
    with (results / "choice.csv").open() as file:
        rows = {row["training"]: row for row in csv.DictReader(file)}
    assert [name for name, row in rows.items() if row["chosen"] == "True"] == ["uniform"]
    assert set(rows) == {"default", "uniform/control", "uniform"}
    folder = results / subject.name
    default, retrained = (read_points(folder / name / "points.csv") for name in ("default", "retrained"))
    assert {(p.depth, p.qp) for p in default if p.split == SPLIT} >= {
        ("8", "47"),
        ("8", "lossless"),
        ("12", "lossless"),
    }
    assert [p.qp for p in default if p.system == "cloud-only"] == ["22", "27", "32", "37", "42", "47", "original"]
    assert {p.curve for p in retrained} == {f"{SPLIT} tiled 8-bit HEVC"}
    assert all(p.images == PICTURES for p in (*default, *retrained))
    assert [d.split for d in read_differences(folder / "default/bd.csv")] == [SPLIT, "max_9"]
    pairs = dict.fromkeys((row.ours, row.theirs) for row in read_comparisons(folder / "comparisons.csv"))
    ours = f"retrained at {SPLIT}"
    assert list(pairs) == [("control", "default"), (ours, "default"), (ours, "control")]
    made = {"fig4.png", "fig5.svg", "points.md", "table1.md", "penalty.png", "comparisons.md", "runs.csv"}
    assert {path.name for path in folder.iterdir()} >= made
    before = {path: path.stat().st_mtime_ns for path in (workplace / "work").rglob("*") if path.is_file()}
    assert run() == CANDIDATES[0]
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_the_control_differs_from_a_retraining_by_the_channel_alone() -> None:
    for training in CANDIDATES:
        control, retrained = training.options(None), training.options("max_5")
        assert control[:-1] == retrained[: len(control) - 1]
        assert control[-1] == "--model.channel=null"
        assert retrained[len(control) - 1 :: 2] == [f"--model.channel.{name}" for name in ("split", "qps", "gradient")]
