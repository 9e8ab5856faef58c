import math
import subprocess
import sys
import tracemalloc
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lightning_app.errors import DataError, OptionError
from lightning_app.metrics import VOCMeanAveragePrecision
from lightning_app.statistics import (
    Outcomes,
    bootstrap,
    draw_counts,
    interval,
    interval_about,
    resampled_map,
    resampled_mean,
    spread,
)

CLASSES = 3
PLACES = [(100.0 * k + 1, 1.0, 100.0 * k + 10, 10.0) for k in range(4)]  # apart: a detection hits its own or nothing

Found = tuple[int, float, int]  # place, score, label
Truth = tuple[int, int, bool]  # place, label, difficult
Shown = tuple[list[Found], list[Truth]]


def feed(metric: VOCMeanAveragePrecision, picture: Shown, index: int) -> None:
    found, truths = picture

    def boxes(places: list[int]) -> torch.Tensor:
        return torch.tensor([PLACES[place] for place in places]).reshape(-1, 4)

    prediction = {
        "boxes": boxes([place for place, _, _ in found]),
        "scores": torch.tensor([score for _, score, _ in found]),
        "labels": torch.tensor([label for _, _, label in found], dtype=torch.long),
    }
    target: dict[str, Any] = {
        "boxes": boxes([place for place, _, _ in truths]),
        "labels": torch.tensor([label for _, label, _ in truths], dtype=torch.long),
        "difficult": torch.tensor([difficult for _, _, difficult in truths], dtype=torch.bool),
        "index": index,
    }
    metric.update([prediction], [target])


def measured(pictures: list[Shown]) -> VOCMeanAveragePrecision:
    metric = VOCMeanAveragePrecision([str(k) for k in range(CLASSES)])
    for index, picture in enumerate(pictures):
        feed(metric, picture, 10 * index)
    return metric


def both(metric: VOCMeanAveragePrecision) -> list[float]:
    result = metric.compute()
    return [result["map"].item(), result["map_area"].item()]


labels = st.integers(0, CLASSES - 1)
places = st.integers(0, len(PLACES) - 1)
# Scores are equal in many pictures, but not in one: see the test of equal scores below.
detections = st.lists(
    st.tuples(places, st.sampled_from([0.1, 0.3, 0.5, 0.7]), labels), max_size=8, unique_by=lambda found: found[1:]
)
annotations = st.lists(st.tuples(places, labels, st.booleans()), max_size=5, unique_by=lambda truth: truth[:2])
counted = st.lists(st.tuples(st.tuples(detections, annotations), st.lists(st.integers(0, 4), min_size=2, max_size=2)))


@settings(max_examples=150, deadline=None)
@given(shown=counted)
def test_a_resample_has_the_map_of_a_data_set_in_which_pictures_are_repeated(
    shown: list[tuple[Shown, list[int]]],
) -> None:
    pictures = [picture for picture, _ in shown]
    counts = np.array([count for _, count in shown], np.uint16).reshape(-1, 2).T  # (2, I)
    result = resampled_map(measured(pictures).outcomes(), CLASSES, counts)
    for row, maps in zip(counts, result, strict=True):
        repeated = [picture for picture, times in zip(pictures, row, strict=True) for _ in range(times)]
        assert maps.tolist() == pytest.approx(both(measured(repeated)), abs=1e-14, nan_ok=True)


def random_pictures(seed: int, pictures: int) -> list[Shown]:
    rng = np.random.default_rng(seed)

    def some(most: int) -> Any:
        return range(int(rng.integers(most)))

    def place() -> int:
        return int(rng.integers(len(PLACES)))

    def label() -> int:
        return int(rng.integers(CLASSES))

    return [
        (
            [(place(), float(rng.random(dtype=np.float32)), label()) for _ in some(20)],
            [(place(), label(), bool(rng.random() < 0.2)) for _ in some(6)],
        )
        for _ in range(pictures)
    ]


def test_pictures_that_each_stand_once_have_the_map_of_the_metric() -> None:
    metric = measured(random_pictures(1, 60))
    result = resampled_map(metric.outcomes(), CLASSES, np.ones((1, 60), np.uint16))
    assert result[0].tolist() == pytest.approx(both(metric), abs=1e-15)
    assert 0.02 < result.min() < result.max() < 0.9


def test_resamples_in_many_blocks_are_those_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes = measured(random_pictures(2, 60)).outcomes()
    counts = draw_counts(60, 17, seed=0)
    whole = resampled_map(outcomes, CLASSES, counts)
    monkeypatch.setattr(bootstrap, "BLOCK", 1000)
    assert np.array_equal(whole, resampled_map(outcomes, CLASSES, counts))
    assert len(np.unique(whole[:, 0])) > 10


def test_a_resample_is_worked_by_hand() -> None:
    # Picture 0: a hit (.9) on its one truth. Picture 1: a miss (.8) and a hit (.7) on the first of its two truths.
    shown: list[Shown] = [
        ([(0, 0.9, 0)], [(0, 0, False)]),
        ([(3, 0.8, 0), (0, 0.7, 0)], [(0, 0, False), (1, 0, False)]),
    ]
    # Picture 0 once, picture 1 twice: hit, miss, miss, hit, hit of five truths.
    # Precision 1 at recall 1/5, then 2/4 at 2/5 and 3/5 at 3/5: levels 0, .1, .2 are 1, those of .3 … .6 are 3/5.
    (eleven, area), (none, _) = resampled_map(measured(shown).outcomes(), CLASSES, np.array([[1, 2], [0, 0]]))
    assert eleven == pytest.approx((3 + 4 * 0.6) / 11, abs=1e-15)
    assert area == pytest.approx((1 + 2 * 0.6) / 5, abs=1e-15)
    assert math.isnan(none)


def test_copies_of_a_detection_stand_side_by_side_where_scores_are_equal() -> None:
    # A hit and a miss of one picture with equal scores, twice: hit, hit, miss, miss and not hit, miss, hit, miss.
    shown: list[Shown] = [([(0, 0.5, 0), (3, 0.5, 0)], [(0, 0, False)])]
    assert resampled_map(measured(shown).outcomes(), CLASSES, np.array([[2]])).tolist() == [[1, 1]]


def test_classes_without_a_truth_in_a_resample_are_left_out_of_its_mean() -> None:
    # Class 0 is found, class 1 is not; picture 1 holds all of class 1. Class 2 has a false detection only.
    shown: list[Shown] = [
        ([(0, 0.9, 0), (1, 0.9, 2)], [(0, 0, False)]),
        ([], [(0, 1, False)]),
    ]
    counts = np.array([[1, 1], [2, 0], [0, 2], [1, 0]])
    assert resampled_map(measured(shown).outcomes(), CLASSES, counts)[:, 0].tolist() == [0.5, 1, 0, 1]


def test_the_memory_of_resamples_does_not_grow_with_their_number() -> None:
    detections = np.arange(20_000)
    hits = detections % 2 == 0
    images = np.arange(50)
    outcomes = Outcomes(
        images,
        np.array([[49, 0, 10_000]]),
        index=(detections % 50).astype(np.int32),
        label=np.zeros(20_000, np.int32),
        score=(1 - detections / 20_000).astype(np.float32),
        hit=hits,
    )
    counts = draw_counts(50, 1000, seed=0)
    tracemalloc.start()
    try:
        resampled_map(outcomes, 1, counts)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 50e6  # bytes; the weights of all resamples would be 1000 × 20,000


def test_the_same_arguments_draw_the_same_counts_and_more_resamples_begin_with_the_fewer() -> None:
    counts = draw_counts(40, 30, seed=5)
    assert counts.shape == (30, 40)
    assert (counts.sum(axis=1) == 40).all()
    assert np.array_equal(counts[:7], draw_counts(40, 7, seed=5))
    assert not np.array_equal(counts, draw_counts(40, 30, seed=6))
    assert len(np.unique(counts, axis=0)) == 30


def test_counts_are_those_of_draws_with_replacement() -> None:
    # Binomial(I, 1/I): mean 1, variance 1 - 1/I, and (1 - 1/I)**I of the pictures are not there.
    counts = draw_counts(200, 500, seed=0)
    assert counts.var() == pytest.approx(1 - 1 / 200, rel=0.02)
    assert (counts == 0).mean() == pytest.approx((1 - 1 / 200) ** 200, rel=0.02)
    assert counts.mean(axis=0) == pytest.approx(np.ones(200), abs=0.2)


def test_the_mean_of_a_resample_counts_each_picture_as_often_as_it_stands_there() -> None:
    means = resampled_mean(np.array([10.0, 20.0, 60.0]), np.array([[1, 1, 1], [3, 0, 0], [0, 1, 3]], np.uint16))
    assert means.tolist() == [30, 10, 50]
    counts = draw_counts(4000, 300, seed=1)
    values = np.random.default_rng(0).normal(5, 2, 4000)
    # The spread of a mean of I values is their own by √I.
    assert spread(resampled_mean(values, counts)) == pytest.approx(values.std() / 4000**0.5, rel=0.1)


def test_an_interval_about_an_estimate_has_the_spread_of_the_samples_and_not_their_bias() -> None:
    samples = np.append(np.arange(101.0), np.nan)
    assert interval_about(50, samples) == pytest.approx((2.5, 97.5))
    assert interval_about(20, samples) == pytest.approx((-27.5, 67.5))
    assert interval_about(20, samples, level=0.5) == pytest.approx((-5, 45))
    assert str(interval_about(20, np.full(3, np.nan))) == "(nan, nan)"


def test_an_interval_holds_its_share_of_the_samples_and_leaves_out_nan() -> None:
    samples = np.array([*range(101), math.nan, math.nan])
    assert interval(samples) == pytest.approx((2.5, 97.5))
    assert interval(samples, level=0.5) == pytest.approx((25, 75))
    assert spread(np.array([1.0, math.nan, 3.0])) == 1


def test_samples_that_are_all_nan_have_nan_ends_without_a_warning() -> None:
    for samples in (np.full(3, math.nan), np.zeros(0)):
        assert str(interval(samples)) == "(nan, nan)"
        assert math.isnan(spread(samples))


def test_counts_and_labels_that_do_not_fit_are_refused() -> None:
    outcomes = measured([([(0, 0.9, 2)], [(0, 0, False)])]).outcomes()
    with pytest.raises(DataError, match=r"counts must be \(R, 1\), one column per picture, not \(4, 2\)"):
        resampled_map(outcomes, CLASSES, np.ones((4, 2), np.uint16))
    with pytest.raises(DataError, match=r"counts must be \(R, 3\)"):
        resampled_mean(np.zeros(3), np.ones(3, np.uint16))
    with pytest.raises(DataError, match="labels must be in 0 … 1, not 0 … 2"):
        resampled_map(outcomes, 2, np.ones((1, 1), np.uint16))


def test_options_out_of_their_range_are_refused() -> None:
    for pictures, resamples, seed in ((0, 1, 0), (1, 0, 0), (1, 1, -1)):
        with pytest.raises(OptionError, match="at least 1"):
            draw_counts(pictures, resamples, seed)
    for level in (0.0, 1.0, math.nan):
        with pytest.raises(OptionError, match="level must be above 0 and below 1"):
            interval(np.zeros(3), level)


def test_the_statistics_need_neither_torch_nor_scipy_to_be_imported() -> None:
    code = "import sys, lightning_app.statistics as s; print([n for n in ('torch', 'scipy') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
