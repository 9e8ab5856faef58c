"""Intervals of Bjøntegaard differences over resamples."""

import math

import numpy as np
import pytest

from lightning_app.errors import DataError
from lightning_app.statistics import Span, bd_interval, compare
from tests.statistics.test_bd import ANCHOR, CURVE, Points


def resamples(points: Points, factors: np.ndarray, more: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.outer(factors, points[0]), more[:, None] + np.array(points[1])


def test_the_interval_is_that_of_the_differences_of_the_resamples() -> None:
    # Resample r has the curve at r % of the anchor's rate, r from 50 to 150, and the same mAPs.
    percents = np.arange(50.0, 151.0)
    still = np.zeros(101)
    found = bd_interval(*resamples(ANCHOR, still + 1, still), *resamples(ANCHOR, percents / 100, still))
    assert (found.pchip.low, found.pchip.high) == pytest.approx((-47.5, 47.5))
    assert found.pchip.usable == found.map.usable == 1
    half = bd_interval(*resamples(ANCHOR, still + 1, still), *resamples(ANCHOR, percents / 100, still), level=0.5)
    assert (half.pchip.low, half.pchip.high) == pytest.approx((-25, 25))
    maps = bd_interval(*resamples(ANCHOR, still + 1, still), *resamples(ANCHOR, still + 1, percents / 1000))
    assert (maps.map.low, maps.map.high) == pytest.approx((0.0525, 0.1475))


def test_differences_are_taken_within_a_resample() -> None:
    # Both curves move together: their difference does not move at all.
    together = np.linspace(-0.05, 0.05, 20)
    found = bd_interval(*resamples(ANCHOR, 1 + together, together), *resamples(CURVE, 1 + together, together))
    assert (found.pchip.low, found.pchip.high) == pytest.approx([compare(ANCHOR, CURVE).pchip] * 2)


def test_resamples_without_overlap_are_left_out_and_counted() -> None:
    still = np.zeros(4)
    apart = np.array([0.01, 0.02, 0.5, math.nan])
    found = bd_interval(*resamples(ANCHOR, still + 1, still), *resamples(ANCHOR, still + 1, apart))
    assert found.pchip.usable == 0.5
    assert found.map.usable == 0.75
    assert (found.map.low, found.map.high) == pytest.approx(np.quantile(apart[:3], [0.025, 0.975]))
    none = bd_interval(*resamples(ANCHOR, still + 1, still), *resamples(ANCHOR, still + 1, still + 0.5))
    assert none.pchip == Span(None, None, 0)


def test_resamples_that_do_not_go_in_pairs_are_refused() -> None:
    one = resamples(ANCHOR, np.ones(3), np.zeros(3))
    with pytest.raises(DataError, match="of the same resamples"):
        bd_interval(*one, *resamples(CURVE, np.ones(2), np.zeros(2)))
    with pytest.raises(DataError, match="of the same resamples"):
        bd_interval(one[0], one[1][:, :2], *one)
    with pytest.raises(DataError, match="above 0 KBPI"):
        bd_interval(0 * one[0], one[1], *one)
