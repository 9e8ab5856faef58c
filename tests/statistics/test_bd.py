import csv
import math
from itertools import permutations
from pathlib import Path
from typing import Literal

import bjontegaard
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lightning_app import metrics
from lightning_app.errors import DataError, OptionError
from lightning_app.statistics import BD, bd_map, bd_rate, compare
from lightning_app.statistics.curves import pareto

Points = tuple[list[float], list[float]]

# Of the paper's kind: mAP rises with the rate, ever more slowly.
ANCHOR: Points = ([40.0, 90.0, 190.0, 380.0, 700.0], [0.52, 0.631, 0.689, 0.718, 0.731])
CURVE: Points = ([20.0, 38.0, 75.0, 150.0], [0.561, 0.652, 0.701, 0.724])


def besides(found: BD) -> tuple[str, ...]:
    """The notes but for those on how much of their range the curves share."""
    return tuple(note for note in found.notes if not note.startswith("The curves share"))


def shifted(points: Points, factor: float, more: float = 0.0) -> Points:
    return [rate * factor for rate in points[0]], [value + more for value in points[1]]


# Against the package of the University of Erlangen-Nürnberg, and worked by hand.


@pytest.mark.parametrize("method", ["cubic", "pchip"])
def test_rate_and_map_differences_are_those_of_an_independent_package(method: Literal["cubic", "pchip"]) -> None:
    for one, other in ((ANCHOR, CURVE), (CURVE, ANCHOR)):
        rate = bjontegaard.bd_rate(*one, *other, method=method, require_matching_points=False, min_overlap=0)
        assert bd_rate(*one, *other, method) == pytest.approx(rate, abs=1e-8)
        assert abs(rate) > 50
    accuracy = bjontegaard.bd_psnr(*ANCHOR, *CURVE, method="pchip", require_matching_points=False, min_overlap=0)
    assert bd_map(*ANCHOR, *CURVE) == pytest.approx(accuracy, abs=1e-12)


steps = st.lists(st.floats(0.05, 1), min_size=4, max_size=7)


def rising(first: float, widths: list[float], factor: float) -> Points:
    """A curve that rises by much, then by less: log rate in equal steps, mAP in falling ones."""
    n = len(widths)
    gains = np.cumsum(np.sort(widths)[::-1] / sum(widths)) * 0.3
    return [first * factor**k for k in range(n)], [0.4 + float(gain) for gain in gains]


@given(widths=steps, other=steps, first=st.floats(1, 2), factor=st.floats(1.3, 3))
def test_pchip_differences_are_those_of_the_package_on_every_rising_curve(
    widths: list[float], other: list[float], first: float, factor: float
) -> None:
    one, two = rising(10, widths, 2), rising(10 * first, other, factor)
    found = compare(one, two)
    if found.pchip is not None:
        expected = bjontegaard.bd_rate(*one, *two, "pchip", require_matching_points=False, min_overlap=0)
        assert found.pchip == pytest.approx(expected, rel=1e-6, abs=1e-6)
    if found.cubic is not None:
        expected = bjontegaard.bd_rate(*one, *two, "cubic", require_matching_points=False, min_overlap=0)
        assert found.cubic == pytest.approx(expected, rel=1e-5, abs=1e-5)
    if found.map is not None:
        expected = bjontegaard.bd_psnr(*one, *two, "pchip", require_matching_points=False, min_overlap=0)
        assert found.map == pytest.approx(expected, abs=1e-9)
    assert None not in (found.cubic, found.pchip, found.map) or found.notes


def test_the_order_of_the_points_does_not_matter() -> None:
    expected = compare(ANCHOR, CURVE)
    for order in permutations(range(4)):
        mixed = [CURVE[0][k] for k in order], [CURVE[1][k] for k in order]
        found = compare(ANCHOR, mixed)
        assert besides(found) == ()
        assert [found.cubic, found.pchip, found.map] == pytest.approx([expected.cubic, expected.pchip, expected.map])


def test_a_curve_at_half_the_rate_differs_by_minus_fifty_percent() -> None:
    found = compare(ANCHOR, shifted(ANCHOR, 0.5))
    assert found.cubic == pytest.approx(-50, abs=1e-9)
    assert found.pchip == pytest.approx(-50, abs=1e-9)
    assert found.notes == ()


def test_a_curve_two_points_above_differs_by_two_points() -> None:
    assert bd_map(*ANCHOR, *shifted(ANCHOR, 1, more=0.02)) == pytest.approx(0.02, abs=1e-12)


def test_straight_curves_are_averaged_over_what_both_reach() -> None:
    # log10 rate is 1 … 2 over mAP .4 … .6, and 1.3 … 2.3 over .5 … .7: in .5 … .6 it is 1.5 … 2 and 1.3 … 1.8.
    one: Points = [10.0, 100.0], [0.4, 0.6]
    other: Points = [10**1.3, 10**2.3], [0.5, 0.7]
    assert bd_rate(*one, *other, "pchip") == pytest.approx(100 * (10**-0.2 - 1), abs=1e-9)
    # mAP over log10 rate 1.3 … 2: .46 … .6 and .5 … .64.
    assert bd_map(*one, *other) == pytest.approx(0.04, abs=1e-12)


def test_the_metrics_package_has_the_rate_difference_by_cubic_fits() -> None:
    assert metrics.bd_rate(*ANCHOR, *CURVE) == compare(ANCHOR, CURVE).cubic


# Curves that are not monotone.


numbers = st.lists(st.tuples(st.integers(1, 30), st.integers(0, 30)), min_size=1, max_size=9)


@given(pairs=numbers)
def test_the_envelope_is_what_no_point_dominates(pairs: list[tuple[int, int]]) -> None:
    def dominated(rate: int, value: int) -> bool:
        return any(r <= rate and v >= value and (r, v) != (rate, value) for r, v in pairs)

    best = pareto(*np.array(pairs, np.float64).T)
    assert [pairs[i] for i in best] == sorted({pair for pair in pairs if not dominated(*pair)})


def test_pchip_leaves_out_points_that_fall_and_says_how_many() -> None:
    # The cheaper point of the two is in the envelope already; the dearest falls behind it.
    dented: Points = [*CURVE[0], 300.0, 100.0], [*CURVE[1], 0.72, 0.69]
    found = compare(ANCHOR, dented)
    assert found.pchip == compare(ANCHOR, CURVE).pchip
    assert found.map == compare(ANCHOR, CURVE).map
    assert found.notes[0] == (
        "The curve is not monotone: of its 6 points, 2 reached no higher mAP than a cheaper one, and PCHIP uses the "
        "envelope without them."
    )
    assert compare(dented, CURVE).notes[0].startswith("The anchor is not monotone: of its 6 points, 2 ")


def test_a_cubic_fit_that_turns_back_where_map_saturates_has_no_difference() -> None:
    # The last two points are at nearly one mAP: the fit swings far out between the others.
    saturated: Points = [20.0, 38.0, 75.0, 150.0], [0.561, 0.7235, 0.7238, 0.724]
    found = compare(ANCHOR, saturated)
    assert found.cubic is None
    assert found.pchip is not None
    assert -100 < found.pchip < 0
    assert besides(found) == (
        "The cubic fit of the curve turns back between 56.10 and 72.40 % mAP, so that its difference would mean "
        "nothing.",
    )
    with pytest.raises(DataError, match="cubic fit of the anchor turns back"):
        bd_rate(*saturated, *ANCHOR)


def test_a_cubic_fit_that_turns_back_only_between_its_points_is_found_out() -> None:
    # log10 rate = x³ - .03 x around mAP .6 falls between -.1 and .1, and rises at the ends and at every point.
    offsets = [-0.25, -0.11, 0.11, 0.25]
    rates = [10 ** (1 + 100 * (x**3 - 0.03 * x)) for x in offsets]
    found = compare((rates, [0.6 + x for x in offsets]), shifted(ANCHOR, 0.1))
    assert found.cubic is None
    assert "cubic fit of the anchor turns back" in " ".join(found.notes)


def test_a_cubic_fit_that_turns_back_outside_the_common_maps_is_used() -> None:
    # The same cubic, and an anchor that lies above its upper turn at mAP .7.
    offsets = [-0.25, -0.11, 0.11, 0.25]
    turning = [10 ** (1 + 100 * (x**3 - 0.03 * x)) for x in offsets], [0.6 + x for x in offsets]
    high: Points = [1.0, 2.0, 4.0, 9.0], [0.72, 0.76, 0.79, 0.81]
    assert compare(high, turning).cubic is not None


def test_a_cubic_fit_that_rises_far_above_every_rate_is_found_out() -> None:
    # From mAP .525 to .56 the fit rises all the way, by far too much: it is back at 21 KBPI at .7 only.
    steep: Points = [10.0, 11.0, 20.0, 21.0], [0.5, 0.51, 0.52, 0.7]
    found = compare(([10.0, 12.0, 15.0, 19.0], [0.525, 0.54, 0.552, 0.56]), steep)
    assert found.cubic is None
    assert found.pchip is not None
    assert besides(found) == (
        "The cubic fit of the curve leaves the rates of its points between 52.50 and 56.00 % mAP, so that its "
        "difference would mean nothing.",
    )


def test_a_cubic_fit_that_rises_from_far_below_every_rate_is_found_out() -> None:
    # The curves above, turned half around.
    steep: Points = [210 / rate for rate in (21.0, 20.0, 11.0, 10.0)], [0.5, 0.68, 0.69, 0.7]
    found = compare(([10.0, 12.0, 15.0, 19.0], [0.64, 0.648, 0.66, 0.675]), steep)
    assert found.cubic is None
    assert "cubic fit of the curve leaves the rates of its points between 64.00 and 67.50 % mAP" in found.notes[0]


def test_a_cubic_fit_may_pass_its_points_a_little() -> None:
    # Of seven points it goes through none; at the dearest it is a hundredth of a decade too high.
    wavy = [1.0, 1.19, 1.42, 1.58, 1.81, 2.02, 2.19]
    one = [10**log for log in wavy], [0.4 + 0.04 * k for k in range(7)]
    found = compare(one, shifted(one, 0.5))
    assert np.polyval(np.polyfit(one[1], wavy, 3), 0.64) > max(wavy)
    assert found.cubic == pytest.approx(-50, abs=1e-9)


# Curves that cannot be compared: a sentence, never NaN, a warning or an exception.


def test_curves_that_do_not_overlap_say_both_ranges_once() -> None:
    found = compare(ANCHOR, shifted(ANCHOR, 1, more=0.25))
    assert found.cubic is None
    assert found.pchip is None
    assert found.map == pytest.approx(0.25)
    assert found.notes == (
        "The curves do not overlap in mAP: the anchor reaches 52.00 to 73.10 %, the curve 77.00 to 98.10 %.",
    )
    far = compare(ANCHOR, shifted(ANCHOR, 0.01))
    assert far.map is None
    assert far.pchip == pytest.approx(-99)
    assert far.notes == ("The curves do not overlap in rate: the anchor has 40 to 700 KBPI, the curve 0.4 to 7 KBPI.",)


def test_curves_that_only_touch_do_not_overlap() -> None:
    found = compare(([10, 20], [0.5, 0.6]), ([20, 40], [0.6, 0.7]))
    assert (found.cubic, found.pchip, found.map) == (None, None, None)
    assert [note.split(":")[0] for note in found.notes] == [
        "The curves do not overlap in mAP",
        "The curves do not overlap in rate",
    ]


def test_fewer_than_four_points_have_no_cubic_fit() -> None:
    found = compare(ANCHOR, (CURVE[0][:3], CURVE[1][:3]))
    assert found.cubic is None
    assert found.pchip is not None
    assert besides(found) == ("The cubic fit needs four points of different mAP, and the curve has 3.",)
    doubled: Points = [*CURVE[0][:3], 39.0], [*CURVE[1][:3], CURVE[1][1]]
    assert besides(compare(ANCHOR, doubled))[1:] == besides(found)
    assert besides(compare((ANCHOR[0][:2], ANCHOR[1][:2]), (CURVE[0][:3], CURVE[1][:3]))) == (
        "The cubic fit needs four points of different mAP, and the anchor has 2 and the curve has 3.",
    )


@pytest.mark.parametrize("flat", [([5.0], [0.6]), ([5.0, 6.0, 7.0, 9.0], [0.6] * 4), ([5.0, 9.0], [0.6, 0.5])])
def test_a_curve_that_does_not_rise_at_all_has_no_difference(flat: Points) -> None:
    for name, pair in (("curve", (ANCHOR, flat)), ("anchor", (flat, ANCHOR))):
        found = compare(*pair)
        assert (found.cubic, found.pchip, found.map) == (None, None, None)
        assert found.notes[-1] == (
            f"The {name} has one point on its envelope, at 60.00 % mAP, and a difference needs two."
        )


rough = st.lists(
    st.tuples(st.floats(1e-3, 1e6), st.integers(0, 10**6).map(lambda k: k / 10**6)), min_size=1, max_size=8
)


@settings(max_examples=400, deadline=None)
@given(one=rough, other=rough)
def test_no_curves_have_nan_and_every_missing_number_has_a_sentence(
    one: list[tuple[float, float]], other: list[tuple[float, float]]
) -> None:
    found = compare(
        *((list(rates), list(maps)) for rates, maps in (zip(*pairs, strict=True) for pairs in (one, other)))
    )
    values = [found.cubic, found.pchip, found.map]
    assert all(value is None or math.isfinite(value) for value in values)
    assert None not in values or found.notes
    # A mean of rising curves lies where their points do, nine decades of rates and one of mAP, or a little outside.
    for value in (found.cubic, found.pchip):
        assert value is None or -100 <= value <= 1e13
    assert found.map is None or abs(found.map) <= 1
    assert all(note[0].isupper() and note.endswith(".") for note in found.notes)


@pytest.mark.parametrize(
    ("rates", "maps", "message"),
    [
        ([0.0, 1.0], [0.5, 0.6], "the rates of the curve must be finite and above 0 KBPI, not 0"),
        ([-1.0, 1.0], [0.5, 0.6], "not -1"),
        ([math.nan, 1.0], [0.5, 0.6], "must be finite"),
        ([math.inf, 1.0], [0.5, 0.6], "must be finite"),
        ([2.0, 1.0], [0.5, math.nan], "the mAPs of the curve must be finite"),
        ([2.0, 1.0], [0.5], "a rate for each mAP"),
        ([], [], "a point at least"),
    ],
)
def test_numbers_that_are_no_curve_are_refused(rates: list[float], maps: list[float], message: str) -> None:
    with pytest.raises(DataError, match=message):
        compare(ANCHOR, (rates, maps))
    with pytest.raises(DataError, match=message):
        bd_map(*ANCHOR, rates, maps)


def test_only_cubic_and_pchip_are_methods() -> None:
    with pytest.raises(OptionError, match="method must be cubic or pchip, not akima"):
        bd_rate(*ANCHOR, *CURVE, "akima")  # type: ignore[arg-type]


def test_differences_are_plain_numbers() -> None:
    found = compare(tuple(map(np.array, ANCHOR)), CURVE)  # type: ignore[arg-type]
    numbers = (found.cubic, found.pchip, found.map, found.map_share, found.rate_share)
    assert {type(value) for value in numbers} == {float}


def test_curves_that_share_little_of_their_range_say_how_much(shared: Path) -> None:
    rows = list(csv.DictReader((shared / "cases/bd-with-little-overlap.csv").read_text().splitlines()))
    anchor, curve = (
        [[float(row[name]) for row in rows if row["curve"] == of] for name in ("kbpi", "map")]
        for of in ("anchor", "test")
    )
    found = compare((anchor[0], anchor[1]), (curve[0], curve[1]))
    assert found.pchip == pytest.approx(-84.60, abs=0.01)
    assert (
        "The curves share 1.1 % of the range of mAP of the curve, 1.0 % of the anchor's: BD-KBPI-mAP stands for that "
        "part."
    ) in found.notes
    assert found.map_share == pytest.approx(0.001 / 0.101)
    assert found.rate_share == pytest.approx(np.log(80 / 12) / np.log(96 / 12))
    whole = compare((anchor[0], anchor[1]), (anchor[0], anchor[1]))
    assert (whole.map_share, whole.rate_share, whole.notes) == (1, 1, ())
    narrow = compare(([10, 12], [0.2, 0.4]), ([11, 100], [0.2, 0.4]))
    assert any("of the range of the logarithm of the rate of the curve" in note for note in narrow.notes)
