"""Evaluations read back, runs of several seeds taken together, and ways of training compared: on made-up numbers."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lightning_app.errors import DataError
from lightning_app.evaluation.measurement import Measurement
from lightning_app.evaluation.paired import compare_runs
from lightning_app.evaluation.results import summarise
from lightning_app.evaluation.runs import compare_curves, pool_runs, read_evaluation
from lightning_app.records.comparisons import read_comparisons, write_comparisons
from lightning_app.records.differences import read_differences
from lightning_app.records.points import Point, read_points, write_points
from lightning_app.statistics import Outcomes

IMAGES = 40
BASE = Point("feature", "a.cfg", "a.weights", "max_5", "tiled", "HEVC", "8", "37", IMAGES, 0, 0, 0, 0, 0)
WHOLE = Point("cloud-only", "a.cfg", "a.weights", "", "", "original", "", "original", IMAGES, 0, 0, 0, 0, 0)


def measurement(point: Point, kilobits: float, found: int, loss: float, first: int = 0) -> Measurement:
    """One truth and one detection a picture, of which the first ``found`` of every ten hit."""
    images = np.arange(IMAGES)
    hit = images % 10 < found
    truths = np.stack((images, np.zeros(IMAGES, int), np.ones(IMAGES, int)), axis=1)
    order = np.argsort(~hit, kind="stable")  # hits first: the best order there is
    score = np.where(hit, np.float32(0.9), np.float32(0.1))[order]
    outcomes = Outcomes(images, truths, images[order].astype(np.int32), np.zeros(IMAGES, np.int32), score, hit[order])
    rng = np.random.default_rng(0)
    ids = [f"VOC2007/{i + first:06d}" for i in images]
    point = replace(point, kbpi=kilobits, map=found / 10, map_area=found / 10, loss=loss)
    return Measurement(point, ids, outcomes, np.full(IMAGES, 1000 * kilobits), loss + rng.random(IMAGES))


def evaluation(folder: Path, *rows: tuple[Point, float, int, float], first: int = 0) -> Path:
    """Write an evaluation of one network: (point, kilobits, hits in ten, loss) of every operating point."""
    measurements = [measurement(*row, first=first) for row in rows]
    results = summarise(measurements, resamples=50, seed=0, folder=folder, classes=["cat"])
    write_points(folder / "points.csv", results.points)
    results.write(folder)
    return folder


def lossy(qp: int) -> Point:
    return replace(BASE, qp=str(qp))


def anchor(qp: int) -> Point:
    return replace(WHOLE, codec="HEVC420", qp=str(qp))


ANCHOR = tuple((anchor(qp), 120.0 / k, 9 - k, 2.0) for k, qp in enumerate((22, 27, 32, 37), start=1))
CURVE = tuple((lossy(qp), 60.0 / k, 9 - k, 2.0) for k, qp in enumerate((22, 27, 32, 37), start=1))


def test_an_evaluation_is_read_as_it_was_written(tmp_path: Path) -> None:
    folder = evaluation(tmp_path / "a", (BASE, 20, 6, 3.0), (WHOLE, 700, 8, 2.5))
    read = read_evaluation(folder)
    assert list(read) == ["max_5 tiled 8-bit HEVC qp37", "cloud-only original original"]
    one, made = read["max_5 tiled 8-bit HEVC qp37"], measurement(BASE, 20, 6, 3.0)
    assert one.ids == made.ids
    assert one.point == read_points(folder / "points.csv")[0]
    np.testing.assert_array_equal(one.bits, made.bits)
    np.testing.assert_array_equal(one.losses, made.losses)
    np.testing.assert_array_equal(one.outcomes.truths, made.outcomes.truths)


def test_what_is_no_evaluation_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"outcomes\.npz"):
        read_evaluation(tmp_path)
    folder = evaluation(tmp_path / "a", (BASE, 20, 6, 3.0))
    (folder / "images.csv").write_text("point,image,bits,loss\n")
    with pytest.raises(DataError, match="a is no folder that `dfc evaluate` wrote"):
        read_evaluation(folder)


def test_half_the_rate_at_every_accuracy_is_a_difference_of_50_percent(tmp_path: Path) -> None:
    (difference,) = read_differences(evaluation(tmp_path / "a", *ANCHOR, *CURVE) / "bd.csv")
    assert (difference.curve, difference.anchor) == ("max_5 tiled 8-bit HEVC", "cloud-only HEVC420")
    assert difference.bd_kbpi == pytest.approx(-50)
    assert difference.bd_kbpi_cubic == pytest.approx(-50)
    assert difference.bd_kbpi_low is not None
    assert difference.bd_kbpi_high is not None
    assert difference.bd_kbpi_low <= -50 <= difference.bd_kbpi_high
    assert difference.bd_map is not None
    assert difference.bd_map > 0


def test_curves_are_compared_with_those_of_other_weights_at_the_same_cut(tmp_path: Path) -> None:
    later = [(replace(point, split="max_7"), rate, found, loss) for point, rate, found, loss in CURVE]
    before = evaluation(tmp_path / "before", *ANCHOR, *CURVE, *later)
    ours = [(replace(point, transform="KLT(0.5)"), rate / 2, found, loss) for point, rate, found, loss in later]
    runs = [evaluation(tmp_path / f"run{i}", *ours) for i in range(2)]
    (difference,) = compare_curves(runs, before, resamples=50)
    assert (difference.curve, difference.anchor) == ("max_7 KLT(0.5) tiled 8-bit HEVC", "max_7 tiled 8-bit HEVC")
    assert difference.bd_kbpi == pytest.approx(-50)
    assert difference.bd_map is not None
    assert difference.bd_map > 0


def test_without_a_lossy_anchor_nothing_is_compared(tmp_path: Path) -> None:
    assert read_differences(evaluation(tmp_path / "a", *CURVE, (WHOLE, 700, 8, 2.5)) / "bd.csv") == []


def test_one_run_pooled_is_that_run(tmp_path: Path) -> None:
    folder = evaluation(tmp_path / "a", *ANCHOR, *CURVE)
    pooled = pool_runs([folder], folder, resamples=50)
    assert pooled.points == read_points(folder / "points.csv")
    assert pooled.differences == read_differences(folder / "bd.csv")


def test_pooled_points_are_means_whose_interval_holds_the_seeds_too(tmp_path: Path) -> None:
    runs = [evaluation(tmp_path / f"run{i}", (BASE, 20 + i, 5 + i, 3.0 + i)) for i in range(3)]
    anchor_ = evaluation(tmp_path / "anchor", *ANCHOR)
    (pooled,) = pool_runs(runs, anchor_, resamples=400).points
    (middle,) = pool_runs(runs[1:2], anchor_, resamples=400).points
    assert (pooled.kbpi, pooled.map, pooled.loss) == pytest.approx((21, 0.6, 4.0))
    assert middle.map_std is not None
    assert pooled.map_std is not None
    assert pooled.map_std > 1.05 * middle.map_std
    assert middle.map_std == pytest.approx(np.sqrt(0.6 * 0.4 / IMAGES), rel=0.5)  # of a share of 40 draws, or so


def test_evaluations_of_different_pictures_are_not_mixed(tmp_path: Path) -> None:
    one = evaluation(tmp_path / "a", (BASE, 20, 6, 3.0), (WHOLE, 700, 8, 2.5))
    other = evaluation(tmp_path / "b", (BASE, 20, 6, 3.0), (WHOLE, 700, 8, 2.5), first=1)
    with pytest.raises(DataError, match="the evaluations are of different pictures: evaluate them all on the same"):
        pool_runs([one, other], one)
    with pytest.raises(DataError, match="the evaluations are of different pictures"):
        compare_runs(("ours", [one]), ("theirs", [other]))


def test_evaluations_of_different_levels_of_recall_are_not_mixed_and_keep_their_own(tmp_path: Path) -> None:
    # 12 of 40 truths are found, all before the misses: 3/10 reaches 4 levels, or 3 if they are floats.
    floats, tenths = replace(BASE, recall_levels="arange"), BASE
    assert measurement(floats, 20, 3, 3.0).resampled_map(np.ones((1, IMAGES), int)) == pytest.approx(3 / 11)
    assert measurement(tenths, 20, 3, 3.0).resampled_map(np.ones((1, IMAGES), int)) == pytest.approx(4 / 11)
    runs = [evaluation(tmp_path / str(i), (point, 20, 6, 3.0)) for i, point in enumerate((floats, tenths))]
    with pytest.raises(DataError, match="results of different recall levels cannot be compared"):
        pool_runs(runs, runs[0], resamples=20)


def test_the_same_runs_do_not_differ(tmp_path: Path) -> None:
    folder = evaluation(tmp_path / "a", (BASE, 20, 6, 3.0), (WHOLE, 700, 8, 2.5))
    for row in compare_runs(("ours", [folder, folder]), ("theirs", [folder, folder]), resamples=50):
        assert (row.map_difference, row.map_low, row.map_high, row.map_low_pictures) == (0, 0, 0, 0)
        assert (row.penalty_difference, row.penalty_low, row.penalty_high) == (0, 0, 0)


def test_ways_of_training_differ_in_map_and_in_the_penalty_of_coding(tmp_path: Path) -> None:
    whole = (WHOLE, 700, 8, 2.5)
    ours = [evaluation(tmp_path / f"ours{i}", (BASE, 20, 7 + i, 3.0), whole) for i in range(2)]
    theirs = [evaluation(tmp_path / f"theirs{i}", (BASE, 20, 5, 4.0), whole) for i in range(2)]
    coded, uncoded = compare_runs(("ours", ours), ("theirs", theirs), resamples=200)
    assert (coded.split, coded.qp, coded.runs, uncoded.qp) == ("max_5", "37", 2, "original")
    assert (coded.map_ours, coded.map_theirs, coded.map_difference) == pytest.approx((0.75, 0.5, 0.25))
    # A picture's own loss is in both, so that nothing but the constant is left of the penalty.
    assert (coded.penalty_ours, coded.penalty_theirs) == pytest.approx((0.5, 1.5))
    assert (coded.penalty_low, coded.penalty_difference, coded.penalty_high) == pytest.approx((-1, -1, -1))
    assert coded.map_low < coded.map_low_pictures < 0.25 < coded.map_high_pictures < coded.map_high
    assert (uncoded.map_difference, uncoded.penalty_ours, uncoded.penalty_theirs) == (0, 0, 0)


def test_points_with_and_without_a_transform_are_compared(tmp_path: Path) -> None:
    whole = (WHOLE, 700, 8, 2.5)
    ours = evaluation(tmp_path / "ours", (replace(BASE, transform="KLT(0.5)"), 20, 7, 3.0), whole)
    theirs = evaluation(tmp_path / "theirs", (BASE, 20, 5, 4.0), whole)
    coded, _ = compare_runs(("ours", [ours]), ("theirs", [theirs]), resamples=50)
    assert (coded.curve, coded.qp) == ("max_5 tiled 8-bit HEVC", "37")
    assert coded.map_difference == pytest.approx(0.2)


def test_points_of_several_transforms_are_compared_each_with_its_own(tmp_path: Path) -> None:
    whole, klt = (WHOLE, 700, 8, 2.5), replace(BASE, transform="KLT(0.5)")
    ours = evaluation(tmp_path / "ours", (BASE, 20, 7, 3.0), (klt, 10, 6, 3.0), whole)
    theirs = evaluation(tmp_path / "theirs", (BASE, 20, 5, 4.0), (klt, 10, 5, 4.0), whole)
    rows = compare_runs(("ours", [ours]), ("theirs", [theirs]), resamples=50)
    differences = {row.curve: row.map_difference for row in rows}
    assert differences["max_5 tiled 8-bit HEVC"] == pytest.approx(0.2)
    assert differences["max_5 KLT(0.5) tiled 8-bit HEVC"] == pytest.approx(0.1)


def test_each_transform_is_a_curve_against_cloud_only(tmp_path: Path) -> None:
    halved = tuple((replace(point, transform="KLT(0.5)"), rate / 2, found, loss) for point, rate, found, loss in CURVE)
    plain, klt = read_differences(evaluation(tmp_path / "a", *ANCHOR, *CURVE, *halved) / "bd.csv")
    assert (plain.curve, klt.curve) == ("max_5 tiled 8-bit HEVC", "max_5 KLT(0.5) tiled 8-bit HEVC")
    assert (plain.bd_kbpi, klt.bd_kbpi) == pytest.approx((-50, -75))


def test_runs_are_compared_in_pairs_and_with_uncoded_pictures(tmp_path: Path) -> None:
    folder = evaluation(tmp_path / "a", (BASE, 20, 6, 3.0))
    with pytest.raises(DataError, match="compared in pairs, not 2 with 1"):
        compare_runs(("ours", [folder, folder]), ("theirs", [folder]))
    with pytest.raises(DataError, match=r"no uncoded pictures to compare with: let --anchor\.qps hold `original`"):
        compare_runs(("ours", [folder]), ("theirs", [folder]))


def test_comparisons_are_read_as_they_were_written(tmp_path: Path) -> None:
    folder = evaluation(tmp_path / "a", (BASE, 20, 6, 3.0), (WHOLE, 700, 8, 2.5))
    rows = compare_runs(("ours", [folder, folder]), ("theirs", [folder, folder]), resamples=50)
    write_comparisons(tmp_path / "c.csv", rows)
    assert read_comparisons(tmp_path / "c.csv") == rows
    (tmp_path / "c.csv").write_text("ours,theirs\na,b\n")
    with pytest.raises(DataError, match=r"c\.csv is no comparisons\.csv"):
        read_comparisons(tmp_path / "c.csv")
