"""Figures that a journal would print: mAP against kilobits per image."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

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
        colour, marker, line = STYLES[i % len(STYLES)]
        if math.isnan(points[0].kbpi):
            axes.axhline(100 * points[0].map, color="0.45", linestyle=line, linewidth=1, label=name)
            continue
        rated = sorted(points, key=lambda point: point.kbpi)
        axes.plot(
            [p.kbpi for p in rated],
            [100 * p.map for p in rated],
            color=colour,
            marker=marker,
            linestyle=line,
            markersize=5,
            label=name,
        )
        for point in rated:
            offset, align = ((0, 7), "bottom") if i % 2 == 0 else ((0, -7), "top")
            axes.annotate(
                point.qp, (point.kbpi, 100 * point.map), offset, textcoords="offset points", fontsize=7,
                ha="center", va=align, color=colour,
            )  # fmt: skip
    axes.set_xscale("log")
    axes.set_xlabel("Kilobits per image (KBPI)")
    axes.set_ylabel("mAP, 11-point (%)")
    axes.margins(x=0.08, y=0.14)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.xaxis.set_minor_formatter(lambda value, _: f"{value:g}")
    axes.tick_params(axis="x", which="both", labelsize=8)
    axes.grid(visible=True, which="both", linewidth=0.4, alpha=0.5)
    axes.legend(frameon=False, fontsize=9, loc="lower right")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
