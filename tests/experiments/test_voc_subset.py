"""The experiment as a whole, on a handful of the real pictures: every step, once, and what it leaves."""

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from experiments.voc_subset import choice, conclusions
from experiments.voc_subset.block_dct import BlockDCT
from experiments.voc_subset.plan import CANDIDATES, CONTROL, DISTILLED, HALF, STAND_IN, UNTRAINED, WIDE, Way, subjects
from experiments.voc_subset.steps import Steps
from lightning_app.records.comparisons import read_comparisons
from lightning_app.records.differences import read_differences
from lightning_app.records.points import read_points

Dfc = Callable[..., tuple[int, str, str]]
PICTURES = 4
SPLIT = "max_7"


@pytest.fixture
def devkit(shared: Path, tmp_path: Path) -> Path:
    """A devkit whose sets have four pictures each."""
    for year in ("VOC2007", "VOC2012"):
        source, root = shared / "VOCdevkit" / year, tmp_path / "VOCdevkit" / year
        (root / "ImageSets/Main").mkdir(parents=True)
        for name in ("JPEGImages", "Annotations"):
            (root / name).symlink_to(source / name)
        for file in (source / "ImageSets/Main").glob("*.txt"):
            lines = file.read_text().splitlines()
            (root / "ImageSets/Main" / file.name).write_text("\n".join(lines[:PICTURES]) + "\n")
    return tmp_path / "VOCdevkit"


def short(way: Way) -> Way:
    """Two steps of four pictures."""
    few = ("--trainer.max_steps", "2", "--data.batch_size", "4", "--model.burn_in", "0")
    return replace(way, options=(*way.options, *(() if way.name == UNTRAINED.name else few)), seeds=(0,))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The number of training batches .* is smaller than the logging interval")
def test_the_experiment_chooses_measures_and_reports_and_does_nothing_twice(
    dfc: Dfc, shared: Path, devkit: Path, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def in_this_process(steps: Steps, *arguments: object) -> None:  # a process of its own takes ten seconds to begin
        status, _, err = dfc(*map(str, arguments))
        assert status == 0, err

    # A step at no rate loses nothing.
    still = replace(CANDIDATES[0], options=("--model.learning_rate", "0", "--trainer.max_steps", "1"))
    monkeypatch.setattr(Steps, "_dfc", in_this_process)
    monkeypatch.setattr(choice, "CANDIDATES", [still, short(CANDIDATES[-1])])
    monkeypatch.setattr(choice, "QPS", "[lossless,32,37,42,47]")
    monkeypatch.setattr(conclusions, "WAYS", [short(way) for way in (CONTROL, DISTILLED, UNTRAINED, STAND_IN)])
    monkeypatch.setattr(conclusions, "QPS", "[lossless,37,42]")
    lite, _ = subjects(shared / "weights")
    subject = replace(lite, splits=(SPLIT, "max_9"))
    steps, results = Steps(devkit, workplace / "work"), workplace / "results"

    def run() -> Way:
        chosen = choice.choose(steps, subject, results)
        conclusions.measure(steps, subject, results)
        steps.report(results / subject.name, ("default", "distilled"))
        return chosen

    chosen = run()
    with (results / "choice.csv").open() as file:
        rows = {row["training"]: row for row in csv.DictReader(file)}
    assert [name for name, row in rows.items() if row["chosen"] == "True"] == [chosen.name]
    assert set(rows) == {"default", "distilled", "Distillation alone"}
    folder = results / subject.name
    default, distilled = (read_points(folder / name / "points.csv") for name in ("default", "distilled"))
    assert {(p.depth, p.qp) for p in default if p.split == SPLIT} >= {
        ("8", "42"),
        ("8", "lossless"),
        ("12", "lossless"),
    }
    assert [p.qp for p in default if p.system == "cloud-only"] == ["22", "27", "32", "37", "42", "47", "original"]
    assert {p.curve for p in distilled} == {
        f"{cut} KLT(0.5) Correction(16) tiled 8-bit HEVC" for cut in (SPLIT, "max_9")
    }
    assert all(p.images == PICTURES for p in (*default, *distilled))
    assert [d.split for d in read_differences(folder / "default/bd.csv")] == [SPLIT, "max_9"]
    gains = {(d.weights, d.split): d.anchor for d in read_differences(folder / "gains.csv")}
    ways = [(name, cut) for name in ("control", "distilled", "KLT only") for cut in (SPLIT, "max_9")]
    assert list(gains) == [*ways, ("stand-in", SPLIT)]
    assert gains["distilled", SPLIT] == f"{SPLIT} tiled 8-bit HEVC"
    pairs = dict.fromkeys((row.ours, row.theirs) for row in read_comparisons(folder / "comparisons.csv"))
    cut_there = [f"{name} at {SPLIT}" for name in ("distilled", "KLT only", "stand-in")]
    assert [pair for pair in pairs if SPLIT in pair[0]] == [
        (ours, theirs) for ours in cut_there for theirs in ("default", "control")
    ]
    page = (folder / "gains.md").read_text()
    assert page.count("| distilled | 1 | ") == page.count("| default | 1 | – | ") == 2
    made = {"fig4.png", "fig5.svg", "points.md", "table1.md", "penalty.png", "comparisons.md", "runs.csv"}
    assert {path.name for path in folder.iterdir()} >= made
    before = {path: path.stat().st_mtime_ns for path in (workplace / "work").rglob("*") if path.is_file()}
    assert run() == chosen
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_the_choice_is_made_without_the_pictures_that_it_is_made_on() -> None:
    assert "VOC2007/val" not in HALF
    assert not {"VOC2007/trainval", "VOC2007/test"} & set(HALF)
    assert "VOC2007/test" not in WIDE


def test_the_stand_in_has_the_error_of_its_step_and_does_not_predict() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (37, 50)).astype(np.uint8)
    codec = BlockDCT()
    decoded = codec.decode(codec.encode(picture, 28))  # a step of 16
    assert decoded.shape == picture.shape
    error = np.square(decoded.astype(float) - picture).mean()
    assert 16**2 / 12 < error < 1.5 * 16**2 / 12
    flat = np.full((16, 16), 200, np.uint8)
    assert np.array_equal(codec.decode(codec.encode(flat, 22)), flat)
