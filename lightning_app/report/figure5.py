"""Fig. 5: mAP against KBPI where features, or whole pictures, are coded with loss."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from lightning_app.records.points import Point
from lightning_app.report.canvas import Key, finish, key, new_figure
from lightning_app.report.labels import QP_ROOM, Label, write_labels
from lightning_app.report.looks import GREY, LINES, Line, Look, looks
from lightning_app.report.series import CLOUD_ONLY, LOSSLESS, Systems, lossy_curves, originals, places, truth_of

FEW = 3
"""Up to so many curves each has its band; of more, the cloud-only ones alone."""


class Curve(NamedTuple):
    """Points of one set of weights to be joined."""

    points: Sequence[Point]
    look: Look
    line: Line


def lossy_figure(systems: Systems) -> Figure | None:
    """Draw a curve a split and set of weights: its colour and marker say the split, its line the weights.

    Bands are the 95 % interval of mAP over resamples of the pictures, where known; level lines are the original files.

    Args:
        systems: the first weights are drawn solid, the second dashed.

    Returns:
        The figure, or None where no point has a QP that is a number.
    """
    by_weights = [lossy_curves(points) for points, _ in systems.values()]
    of_curve, left_out = looks((curve, some[0]) for one in by_weights for curve, some in one.items())
    if not of_curve:
        return None
    curves = list(_curves(by_weights, of_curve))
    banded = [c for c in curves if _has_band(c) and (len(curves) <= FEW or c.points[0].system == CLOUD_ONLY)]
    figure, axes = new_figure(truth_of(systems))
    _draw(axes, systems, curves, banded)
    finish(figure, [_curve_keys(of_curve, left_out), _weight_keys(systems), _other_keys(systems, curves, banded)])
    write_labels(axes, list(_qps(curves)), QP_ROOM)
    return figure


def _curves(by_weights: Sequence[Mapping[str, Sequence[Point]]], of_curve: Mapping[str, Look]) -> Iterator[Curve]:
    for one, line in zip(by_weights, LINES, strict=False):
        yield from (Curve(one[curve], look, line) for curve, look in of_curve.items() if curve in one)


def _has_band(curve: Curve) -> bool:
    return all(point.map_low is not None and point.map_high is not None for point in curve.points)


def _draw(axes: Axes, systems: Systems, curves: Sequence[Curve], banded: Sequence[Curve]) -> None:
    for (points, _), line in zip(systems.values(), LINES, strict=False):
        for original in originals(points):
            axes.axhline(100 * original.map, color=GREY, linestyle=line, linewidth=0.5, zorder=1)
    for curve in banded:
        _draw_band(axes, curve)
    for curve in curves:
        _draw_curve(axes, curve)


def _draw_band(axes: Axes, curve: Curve) -> None:
    rates = [point.kbpi for point in curve.points]
    low, high = ([100 * (getattr(p, name) or 0) for p in curve.points] for name in ("map_low", "map_high"))
    axes.fill_between(rates, low, high, color=curve.look.colour, alpha=0.12, linewidth=0, zorder=0.9)


def _draw_curve(axes: Axes, curve: Curve) -> None:
    """A line and its markers; the lossless one is open."""
    colour = curve.look.colour
    axes.plot(*places(curve.points), color=colour, linestyle=curve.line)
    for face, lossless in ((colour, False), ("white", True)):
        some = [point for point in curve.points if (point.qp == LOSSLESS) == lossless]
        axes.plot(*places(some), color=colour, linestyle="", marker=curve.look.marker, markerfacecolor=face)


def _curve_keys(of_curve: Mapping[str, Look], left_out: int) -> list[Key]:
    keys: list[Key] = [key(look.name, color=look.colour, marker=look.marker) for look in of_curve.values()]
    return [*keys, key(f"and {left_out} more in points.md")] if left_out else keys


def _weight_keys(systems: Systems) -> list[Key]:
    names = zip(systems, LINES, strict=False)
    return [key(name, line, color=GREY) for name, line in names] if len(systems) > 1 else []


def _other_keys(systems: Systems, curves: Sequence[Curve], banded: Sequence[Curve]) -> list[Key]:
    keys: list[Key] = []
    if any(point.qp == LOSSLESS for curve in curves for point in curve.points):
        keys.append(key("lossless", color=GREY, marker="o", markerfacecolor="white"))
    if any(originals(points) for points, _ in systems.values()):
        keys.append(key("cloud-only, original files", "-", color=GREY, linewidth=0.5))
    if banded:
        keys.append(Patch(color=banded[0].look.colour, alpha=0.2, linewidth=0, label="95 % interval"))
    return keys


def _qps(curves: Sequence[Curve]) -> Iterator[Label]:
    """The QPs of the first weights; at the end of each curve it is said what they are."""
    for curve in curves:
        if curve.line == LINES[0]:
            *others, last = (point for point in curve.points if point.qp != LOSSLESS)
            yield _label(last, f"QP {last.qp}", curve.look.colour)
            yield from (_label(point, point.qp, curve.look.colour) for point in others)


def _label(point: Point, text: str, colour: str) -> Label:
    return Label(point.kbpi, 100 * point.map, text, colour)
