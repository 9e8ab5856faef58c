"""Fig. 4: mAP against KBPI where the quantised features are coded without loss."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lightning_app.records.points import Point
from lightning_app.report.canvas import Key, finish, key, new_figure
from lightning_app.report.labels import NAME_ROOM, Label, write_labels
from lightning_app.report.looks import FILLS, GREY, Look, looks
from lightning_app.report.series import Systems, lossless_curves, originals, places, truth_of

DEPTHS = {"8": "o", "10": "^", "12": "D", "32": "p", "": "h"}
"""Marker by n_bit; coded pictures have none."""
RED, SQUARE = "#e00000", {"marker": "s", "markersize": 5.5}
"""Of the original files, as in the paper."""


class Curve(NamedTuple):
    """Points of one set of weights that differ in depth alone; the fill of their markers says the weights."""

    points: Sequence[Point]
    look: Look
    fill: tuple[str, bool]


def lossless_figure(systems: Systems) -> Figure | None:
    """Draw a point a split and depth, joined over the depths, and the original files as the red square.

    Vertical bars are the standard deviation of mAP over resamples of the pictures, where known; horizontal ones that
    of KBPI over the pictures.

    Args:
        systems: markers of the first weights are full, of the second open.

    Returns:
        The figure, or None where no point is lossless.
    """
    by_weights = [lossless_curves(points) for points, _ in systems.values()]
    of_curve, left_out = looks((curve, some[0]) for one in by_weights for curve, some in one.items())
    if not of_curve:
        return None
    curves = list(_curves(by_weights, of_curve))
    figure, axes = new_figure(truth_of(systems))
    axes.margins(y=0.12)
    for curve in curves:
        _draw_curve(axes, curve)
    _draw_originals(axes, systems)
    finish(figure, [_split_keys(of_curve, left_out), _depth_keys(systems, curves), _weight_keys(systems)])
    write_labels(axes, list(_names(curves)), NAME_ROOM)
    return figure


def _curves(by_weights: Sequence[Mapping[str, Sequence[Point]]], of_curve: Mapping[str, Look]) -> Iterator[Curve]:
    for one, fill in zip(by_weights, FILLS, strict=False):
        yield from (Curve(one[curve], look, fill) for curve, look in of_curve.items() if curve in one)


def _draw_curve(axes: Axes, curve: Curve) -> None:
    colour = curve.look.colour
    axes.plot(*places(curve.points), color=colour, linestyle=curve.look.line)
    _draw_bars(axes, curve.points, colour)
    for point in curve.points:
        _draw_markers(axes, [point], colour, {"marker": _depth_marker(point.depth)}, curve.fill)


def _draw_originals(axes: Axes, systems: Systems) -> None:
    for (points, _), fill in zip(systems.values(), FILLS, strict=False):
        of_files = originals(points)
        if of_files:
            _draw_bars(axes, of_files, RED)
            _draw_markers(axes, of_files, RED, SQUARE, fill)


def _draw_bars(axes: Axes, points: Sequence[Point], colour: str) -> None:
    """Standard deviations, under the markers: of KBPI, and of mAP where it is known."""
    bars = {"linestyle": "", "linewidth": 0.5, "capsize": 1.5, "capthick": 0.5, "alpha": 0.6, "zorder": 1.5}
    along = [[min(p.kbpi_std, 0.9 * p.kbpi) for p in points], [p.kbpi_std for p in points]]  # no room at 0 and below
    axes.errorbar(*places(points), xerr=along, color=colour, **bars)  # type: ignore[arg-type]
    known = {point: 100 * point.map_std for point in points if point.map_std is not None}
    if known:
        axes.errorbar(*places(list(known)), yerr=list(known.values()), color=colour, **bars)  # type: ignore[arg-type]


def _draw_markers(
    axes: Axes, points: Sequence[Point], colour: str, marker: Mapping[str, Any], fill: tuple[str, bool]
) -> None:
    axes.plot(*places(points), color=colour, linestyle="", **marker, **_filled(colour, fill))


def _filled(colour: str, fill: tuple[str, bool]) -> dict[str, Any]:
    part, white = fill
    return {"fillstyle": part, "markerfacecolor": "white" if white else colour, "markerfacecoloralt": "white"}


def _depth_marker(depth: str) -> str:
    return DEPTHS.get(depth, "*")


def _split_keys(of_curve: Mapping[str, Look], left_out: int) -> list[Key]:
    keys: list[Key] = [key(look.name, look.line, color=look.colour) for look in of_curve.values()]
    return [*keys, key(f"and {left_out} more in points.md")] if left_out else keys


def _depth_keys(systems: Systems, curves: Sequence[Curve]) -> list[Key]:
    depths = sorted({point.depth for curve in curves for point in curve.points}, key=lambda depth: int(depth or 0))
    names = {depth: f"{depth} bits" if depth else "coded pictures" for depth in depths}
    keys: list[Key] = [key(name, color=GREY, marker=_depth_marker(depth)) for depth, name in names.items()]
    if any(originals(points) for points, _ in systems.values()):
        keys.append(key("cloud-only, original files", color=RED, **SQUARE))
    return keys


def _weight_keys(systems: Systems) -> list[Key]:
    fills = zip(systems, FILLS, strict=False)
    keys: list[Key] = [key(name, color=GREY, marker="o", **_filled(GREY, fill)) for name, fill in fills]
    return keys if len(systems) > 1 else []


def _names(curves: Sequence[Curve]) -> Iterator[Label]:
    """The name of each curve of the first weights, over its first point."""
    for curve in curves:
        if curve.fill == FILLS[0]:
            point = curve.points[0]
            yield Label(point.kbpi, 100 * (point.map + (point.map_std or 0)), curve.look.name, curve.look.colour)
