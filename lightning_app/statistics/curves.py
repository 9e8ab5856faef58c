"""Curves of rate and accuracy: their points, their monotone envelopes, and the fits that are averaged."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from lightning_app.errors import DataError
from lightning_app.statistics.outcomes import Floats, Ints

LEAST = 1e-9
"""Overlap that an average is taken over, in mAP or decades of the rate: below it only rounding would be left."""


class Points(NamedTuple):
    """The n points of one curve.

    Attributes:
        name: ``anchor`` or ``curve``, for sentences.
        logs: (n,) log10 of KBPI.
        maps: (n,) mAP, a fraction.
        best: (k,) indices of the monotone envelope, by rising rate and mAP.
    """

    name: str
    logs: Floats
    maps: Floats
    best: Ints

    def envelope(self) -> tuple[Floats, Floats]:
        """Its log10 rates and mAPs, each (k,) and strictly rising."""
        return self.logs[self.best], self.maps[self.best]

    def dropped(self) -> str:
        """What stands against the curve, empty if it is monotone."""
        left_out = len(self.maps) - len(self.best)
        if not left_out:
            return ""
        return (
            f"the {self.name} is not monotone: of its {len(self.maps)} points, {left_out} reached no higher mAP than a "
            "cheaper one, and PCHIP uses the envelope without them"
        )


def points(name: str, rate: ArrayLike, map_: ArrayLike) -> Points:
    """Check the points of a curve: rates (n,) in KBPI, and mAPs (n,)."""
    rates, maps = np.asarray(rate, np.float64), np.asarray(map_, np.float64)
    if rates.ndim != 1 or rates.shape != maps.shape or not len(rates):
        raise DataError(f"the {name} must have a rate for each mAP, and a point at least")
    if not (np.isfinite(rates).all() and (rates > 0).all()):
        raise DataError(f"the rates of the {name} must be finite and above 0 KBPI, not {rates.min():g}")
    if not np.isfinite(maps).all():
        raise DataError(f"the mAPs of the {name} must be finite")
    logs = np.log10(rates)
    return Points(name, logs, maps, pareto(logs, maps))


def pareto(costs: Floats, values: Floats) -> Ints:
    """Indices (k,) of the points whose value exceeds that of every cheaper one, by rising cost.

    >>> pareto(np.array([3.0, 1.0, 2.0, 2.0]), np.array([0.7, 0.5, 0.7, 0.6]))
    array([1, 2])
    """
    order = np.lexsort((-values, costs))  # of equal costs the best value first
    before = np.maximum.accumulate(values[order])[:-1]
    best: Ints = order[np.append(True, values[order][1:] > before)]
    return best


def common_maps(anchor: Points, curve: Points) -> tuple[float, float]:
    """The mAPs from which and up to which both envelopes reach."""
    ranges = [each.envelope()[1][[0, -1]] for each in (anchor, curve)]
    said = "the curves do not overlap in mAP: the anchor reaches {} to {} %, the curve {} to {} %"
    return common(anchor, curve, ranges, said.format(*(percent(end) for ends in ranges for end in ends)))


def common_logs(anchor: Points, curve: Points) -> tuple[float, float]:
    """The log10 rates from which and up to which both envelopes reach."""
    ranges = [each.envelope()[0][[0, -1]] for each in (anchor, curve)]
    said = "the curves do not overlap in rate: the anchor has {:.4g} to {:.4g} KBPI, the curve {:.4g} to {:.4g} KBPI"
    return common(anchor, curve, ranges, said.format(*(10**end for ends in ranges for end in ends)))


def common(anchor: Points, curve: Points, ranges: list[Floats], said: str) -> tuple[float, float]:
    """Where both ranges are; refused with what is ``said`` if that is nowhere."""
    for each in (anchor, curve):
        if len(each.best) < 2:
            raise DataError(
                f"the {each.name} has one point on its envelope, at {percent(each.maps[each.best[0]])} % mAP, and a "
                "difference needs two"
            )
    low, high = max(float(ends[0]) for ends in ranges), min(float(ends[1]) for ends in ranges)
    if high - low < LEAST:
        raise DataError(said)
    return low, high


def shares_of(anchor: Points, curve: Points, axis: int) -> tuple[float, float]:
    """The range that both have, of log10 rates (axis 0) or mAPs (axis 1), as shares of the anchor's and the curve's."""
    ends = [each.envelope()[axis][[0, -1]] for each in (anchor, curve)]
    common = max(0.0, min(high for _, high in ends) - max(low for low, _ in ends))
    anchors, curves = (float(common / (high - low)) for low, high in ends)
    return anchors, curves


def percent(fraction: float) -> str:
    """An mAP as a person reads it."""
    return f"{100 * fraction:.2f}"


def pchip_mean(x: Floats, y: Floats, low: float, high: float) -> float:
    """The mean over [low, high] of PCHIP through (x, y), x strictly rising and around that range."""
    from scipy.interpolate import PchipInterpolator  # half a second, for those who need it

    return float(PchipInterpolator(x, y).integrate(low, high)) / (high - low)


def cubic_mean(fit: np.polynomial.Polynomial, low: float, high: float) -> float:
    """The mean of a polynomial over [low, high]."""
    area = fit.integ()
    return float(area(high) - area(low)) / (high - low)


def cubic_fit(each: Points) -> tuple[np.polynomial.Polynomial, int]:
    """The cubic of log10 rate over mAP nearest to all points, and how many of its coefficients they determine."""
    fit, (_, rank, _, _) = np.polynomial.Polynomial.fit(each.maps, each.logs, deg=3, full=True)
    return fit, int(rank)


def flaw(fit: np.polynomial.Polynomial, each: Points, low: float, high: float) -> str:
    """What a cubic does between two mAPs that no curve of rates does, empty if it is sound.

    Its slope is least at an end or where its second derivative is zero. One that rises can still be far from every
    point, where they lie close in mAP; a tenth of their range is left to a fit that does not go through them.
    """
    slope = fit.deriv()
    turns = np.asarray(slope.deriv().trim().roots(), np.float64)  # of the slope: none or one
    places = np.array([low, high, *turns[(low < turns) & (turns < high)]])
    if not (slope(places) > 0).all():
        return "turns back"
    least, most = each.logs.min(), each.logs.max()
    slack = (most - least) / 10
    return "" if least - slack <= fit(low) and fit(high) <= most + slack else "leaves the rates of its points"
