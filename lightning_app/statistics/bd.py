"""Bjøntegaard differences: one curve of rate and accuracy against another, in one number.

G. Bjøntegaard, "Calculation of average PSNR differences between RD-curves", ITU-T SG16 Q.6, VCEG-M33, 2001, with mAP in
place of PSNR and kilobits per image (KBPI) in place of the bit rate. VCEG-M33 fits one cubic polynomial to each curve;
where mAP saturates that fit turns back, and the difference means nothing. PCHIP, the monotone piecewise cubic of
Fritsch and Butland (1984) that later common test conditions took, is always sound on a monotone curve.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from lightning_app.errors import DataError, OptionError
from lightning_app.statistics.bootstrap import interval
from lightning_app.statistics.curves import (
    Points,
    common_logs,
    common_maps,
    cubic_fit,
    cubic_mean,
    flaw,
    pchip_mean,
    percent,
    points,
    shares_of,
)
from lightning_app.statistics.outcomes import Floats

ENOUGH = 0.75
"""Least share of either curve's range over which a difference is taken without a note."""
Curve: TypeAlias = tuple[ArrayLike, ArrayLike]
"""Rates in KBPI (Q,) and mAPs (Q,), fractions, in any order."""


@dataclass(frozen=True)
class BD:
    """A curve against its anchor; None where a difference does not exist.

    Attributes:
        cubic: mean difference of the rate at equal mAP, in percent, by VCEG-M33's cubic fits to all points.
        pchip: the same by PCHIP through the monotone envelopes.
        map: mean difference of mAP, a fraction, at equal rate, over the logarithm of the rate.
        notes: sentences that say why a number is missing or to be doubted.
        map_share: range of mAP that both curves have, over which rates are averaged, as a share of the wider range.
        rate_share: range of log rate that both have, over which mAP is averaged, as a share of the wider range.
    """

    cubic: float | None
    pchip: float | None
    map: float | None
    notes: tuple[str, ...]
    map_share: float | None = None
    rate_share: float | None = None


@dataclass(frozen=True)
class Span:
    """An interval over resamples: ``low`` and ``high``, None if no resample had a value, and the share that had one."""

    low: float | None
    high: float | None
    usable: float


@dataclass(frozen=True)
class BDInterval:
    """Intervals of `BD`'s ``pchip``, in percent, and ``map``, a fraction."""

    pchip: Span
    map: Span


def bd_rate(
    anchor_rate: ArrayLike,
    anchor_map: ArrayLike,
    rate: ArrayLike,
    map_: ArrayLike,
    method: Literal["cubic", "pchip"] = "cubic",
) -> float:
    """The mean difference of the rate at equal mAP, over the mAPs that both curves reach.

    Args:
        anchor_rate: (Q,) KBPI of the anchor, above 0, in any order.
        anchor_map: (Q,) its mAPs, fractions.
        rate: (P,) KBPI of the curve.
        map_: (P,) its mAPs.
        method: ``cubic`` fits of log10 rate to all points, as VCEG-M33; ``pchip`` through the monotone envelopes.

    Returns:
        Percent of the anchor's rate; negative where the curve needs less.

    Raises:
        DataError: there is no such difference; it says why.
    """
    if method not in ("cubic", "pchip"):
        raise OptionError(f"method must be cubic or pchip, not {method}")
    anchor, curve = points("anchor", anchor_rate, anchor_map), points("curve", rate, map_)
    return cubic_rate(anchor, curve) if method == "cubic" else pchip_rate(anchor, curve)


def bd_map(anchor_rate: ArrayLike, anchor_map: ArrayLike, rate: ArrayLike, map_: ArrayLike) -> float:
    """The mean difference of mAP at equal rate, by PCHIP over log10 rate, over the rates that both curves have.

    Args:
        anchor_rate: (Q,) KBPI of the anchor, above 0, in any order.
        anchor_map: (Q,) its mAPs, fractions.
        rate: (P,) KBPI of the curve.
        map_: (P,) its mAPs.

    Returns:
        A fraction; positive where the curve is more accurate.

    Raises:
        DataError: there is no such difference; it says why.
    """
    return pchip_map(points("anchor", anchor_rate, anchor_map), points("curve", rate, map_))


def compare(anchor: Curve, curve: Curve) -> BD:
    """All differences of a curve from its anchor, and in words what stands against them.

    Raises:
        DataError: a rate is not above 0, a number is not finite, or rates and mAPs do not go in pairs.
    """
    one, other = points("anchor", *anchor), points("curve", *curve)
    notes = [each.dropped() for each in (one, other) if each.dropped()]

    def value(difference: Callable[[Points, Points], float]) -> float | None:
        try:
            return difference(one, other)
        except DataError as error:
            notes.append(str(error))
            return None

    cubic, pchip, map_ = value(cubic_rate), value(pchip_rate), value(pchip_map)
    shares = [None if known is None else shares_of(one, other, axis) for known, axis in ((pchip, 1), (map_, 0))]
    for pair, of, number in zip(shares, ("mAP", "the logarithm of the rate"), ("BD-KBPI-mAP", "BD-mAP"), strict=True):
        if pair is not None and min(pair) < ENOUGH:
            anchors, curves = (f"{100 * part:.1f} %" for part in pair)
            notes.append(f"the curves share {curves} of the range of {of} of the curve, {anchors} of the anchor's: ")
            notes[-1] += f"{number} stands for that part"
    least = [None if pair is None else min(pair) for pair in shares]
    return BD(cubic, pchip, map_, tuple(f"{note[0].upper()}{note[1:]}." for note in dict.fromkeys(notes)), *least)


def bd_interval(
    anchor_rates: Floats, anchor_maps: Floats, rates: Floats, maps: Floats, level: float = 0.95
) -> BDInterval:
    """Percentile intervals of the PCHIP differences over resamples of the pictures.

    A resample without a difference, because its curves do not overlap or an mAP of it is NaN, is left out and counted.

    Args:
        anchor_rates: (R, Q) KBPI of the anchor's points in each resample, above 0.
        anchor_maps: (R, Q) their mAPs, fractions.
        rates: (R, P) KBPI of the curve's points in the same resamples.
        maps: (R, P) their mAPs.
        level: share of the resamples between the ends, above 0 and below 1.
    """
    if anchor_rates.shape != anchor_maps.shape or rates.shape != maps.shape or len(anchor_rates) != len(rates):
        raise DataError("rates and mAPs must be (R, Q) and (R, P), of the same resamples")
    samples = np.full((len(rates), 2), np.nan)  # (R, 2)
    known = ~np.isnan(anchor_maps).any(axis=1) & ~np.isnan(maps).any(axis=1)
    for r in np.flatnonzero(known):
        anchor, curve = points("anchor", anchor_rates[r], anchor_maps[r]), points("curve", rates[r], maps[r])
        samples[r] = or_nan(pchip_rate, anchor, curve), or_nan(pchip_map, anchor, curve)
    return BDInterval(*(span(column, level) for column in samples.T))


def or_nan(difference: Callable[[Points, Points], float], anchor: Points, curve: Points) -> float:
    """The difference, NaN where there is none."""
    try:
        return difference(anchor, curve)
    except DataError:
        return np.nan


def span(samples: Floats, level: float) -> Span:
    """The interval of the samples (R,) that are not NaN."""
    low, high = interval(samples, level)
    usable = float(np.mean(~np.isnan(samples)))
    return Span(low, high, usable) if usable else Span(None, None, 0.0)


def cubic_rate(anchor: Points, curve: Points) -> float:
    """The mean difference of the rate in percent, by one cubic fit to all points of each curve."""
    low, high = common_maps(anchor, curve)
    fits, ranks = zip(*(cubic_fit(each) for each in (anchor, curve)), strict=True)
    few = [f"the {each.name} has {n}" for each, n in zip((anchor, curve), ranks, strict=True) if n < 4]
    if few:
        raise DataError(f"the cubic fit needs four points of different mAP, and {' and '.join(few)}")
    for each, fit in zip((anchor, curve), fits, strict=True):
        if wrong := flaw(fit, each, low, high):
            raise DataError(
                f"the cubic fit of the {each.name} {wrong} between {percent(low)} and {percent(high)} % mAP, so that "
                "its difference would mean nothing"
            )
    return in_percent(cubic_mean(fits[1], low, high) - cubic_mean(fits[0], low, high))


def pchip_rate(anchor: Points, curve: Points) -> float:
    """The mean difference of the rate in percent, by PCHIP of log10 rate over mAP."""
    low, high = common_maps(anchor, curve)
    means = [pchip_mean(*each.envelope()[::-1], low, high) for each in (anchor, curve)]
    return in_percent(means[1] - means[0])


def pchip_map(anchor: Points, curve: Points) -> float:
    """The mean difference of mAP, by PCHIP of mAP over log10 rate."""
    low, high = common_logs(anchor, curve)
    means = [pchip_mean(*each.envelope(), low, high) for each in (anchor, curve)]
    return means[1] - means[0]


def in_percent(decades: float) -> float:
    """A ratio of rates, given by its log10, as a difference in percent."""
    return float(100 * (10**decades - 1))
