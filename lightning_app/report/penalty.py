"""What coding costs in loss: loss(coded) - loss(uncoded) against QP, by split and weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from lightning_app.records.comparisons import Comparison
from lightning_app.report.canvas import finish, key, new_figure
from lightning_app.report.looks import GREY, LINES, SPLIT_STYLES
from lightning_app.report.series import layer_number

Penalties = Mapping[tuple[str, str], Mapping[int, float]]
"""By split and way of training: the penalty at each QP."""

LEAST = 0.01
"""Below it a penalty is noise, and a logarithm shows nothing else."""
ORDER = ("default", "retrained", "control")


def penalty_figure(comparisons: Sequence[Comparison]) -> Figure | None:
    """Draw a curve a split and way of training: colour and marker say the split, the line the way.

    Returns:
        The figure, or None where nothing was coded at a QP that is a number.
    """
    found = penalties(comparisons)
    if not found:
        return None
    splits = sorted({split for split, _ in found}, key=layer_number)
    ways = sorted({way for _, way in found}, key=lambda way: (ORDER.index(way) if way in ORDER else len(ORDER), way))
    figure, axes = new_figure()
    for split, (colour, marker, _) in zip(splits, SPLIT_STYLES, strict=False):
        for way, line in zip(ways, LINES, strict=False):
            shown = [(qp, value) for qp, value in sorted(found.get((split, way), {}).items()) if value > LEAST]
            if shown:
                axes.plot(*zip(*shown, strict=True), color=colour, marker=marker, linestyle=line)
    _number(axes, sorted({qp for curve in found.values() for qp in curve}))
    cuts = [key(split, color=style[0], marker=style[1]) for split, style in zip(splits, SPLIT_STYLES, strict=False)]
    finish(figure, [cuts, [key(way, line, color=GREY) for way, line in zip(ways, LINES, strict=False)]])
    return figure


def penalties(comparisons: Sequence[Comparison]) -> Penalties:
    """The penalties of every way of training; ``retrained at max_5`` is the way ``retrained``."""
    found: dict[tuple[str, str], dict[int, float]] = {}
    for row in comparisons:
        for name, value in ((row.ours, row.penalty_ours), (row.theirs, row.penalty_theirs)):
            if row.qp.isdigit():
                found.setdefault((row.split, way(name)), {})[int(row.qp)] = value
    return found


def way(name: str) -> str:
    """``retrained at max_5`` -> ``retrained``."""
    return name.partition(" at ")[0]


def _number(axes: Axes, qps: Sequence[int]) -> None:
    axes.set_xscale("linear")
    axes.set_yscale("log")
    axes.set_xlabel("QP", labelpad=2)
    axes.set_ylabel("Loss of coded − of uncoded pictures", labelpad=3)
    axes.xaxis.set_major_locator(FixedLocator(qps))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
