"""Figures that a journal would print: mAP against kilobits per image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from lightning_app.report.points import Point

STYLES = (("#0b5394", "o", "-"), ("#c0392b", "s", "--"), ("#2e7d32", "^", ":"), ("#6a3d9a", "D", "-."))
"""Colour, marker and line of each curve; told apart in grey by the last two."""


def draw_rate_accuracy(systems: Mapping[str, Sequence[Point]], path: Path) -> None:
    """Draw mAP (11-point) against KBPI, one curve a system, each point labelled with its QP.

    A system without a rate (the whole network) is a level line.

    Args:
        systems: points of each system by the name to print.
        path: file to write; its suffix decides the format.
    """
    figure = Figure(figsize=(6.4, 4.4), layout="constrained", dpi=160)
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for i, (name, points) in enumerate(systems.items()):
        style = STYLES[i % len(STYLES)]
        rated = sorted((point.kbpi, 100 * point.map, point.qp) for point in points)
        _draw_curve(axes, rated, name, style, above=i % 2 == 0)
    axes.set_xscale("log")
    axes.set_xlabel("Kilobits per image (KBPI)")
    axes.set_ylabel("mAP, 11-point (%)")
    axes.margins(x=0.08, y=0.14)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5, 7)))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.grid(visible=True, linewidth=0.4, alpha=0.5)
    axes.legend(frameon=False, fontsize=9, loc="lower right")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


def _draw_curve(
    axes: Axes, rated: list[tuple[float, float, str]], name: str, style: tuple[str, str, str], above: bool
) -> None:
    """One curve of (KBPI, mAP in percent, QP), its QPs written above or below it."""
    colour, marker, line = style
    rates, maps, qps = zip(*rated, strict=True)
    axes.plot(rates, maps, color=colour, marker=marker, linestyle=line, markersize=5, label=name)
    for rate, value, qp in zip(rates, maps, qps, strict=True):
        axes.annotate(
            qp,
            (rate, value),
            (0, 7 if above else -7),
            textcoords="offset points",
            fontsize=7,
            ha="center",
            va="bottom" if above else "top",
            color=colour,
        )
