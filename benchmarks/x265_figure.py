"""The settings of x265 as a figure: bits at equal distortion against time, the frontier, and where ours stand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from benchmarks.x265_search import Cost, frontier
from lightning_app.codecs.x265 import SETTINGS
from lightning_app.report.canvas import DPI, WIDTH, journal_style

WORST = 12
"""Percent of BD-rate, above which nothing is drawn."""


def draw(costs: Sequence[Cost], path: Path) -> None:
    """Write the figure as PNG."""
    with journal_style(), mpl.rc_context({"xtick.top": False, "ytick.right": False}):
        figure = Figure(figsize=(WIDTH, 2.6), dpi=DPI, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        papers = [cost for cost in costs if cost.papers_tools]
        others = [cost for cost in costs if not cost.papers_tools]
        for group, label, look in ((papers, "CTU 16, no RDOQ: the paper's tools", "o"), (others, "other tools", "^")):
            axes.plot(*_points(group), look, markersize=2.5, color="black" if look == "o" else "#999999", label=label)
        axes.plot(*_points(frontier(papers)), "-", color="black", linewidth=0.7, label="frontier of the paper's tools")
        axes.plot(*_points(frontier(costs)), "--", color="#777777", linewidth=0.7, label="frontier of all")
        for cost in costs:
            if cost.name in SETTINGS:
                axes.plot(cost.milliseconds, cost.bd_rate, "s", markersize=6, fillstyle="none", color="#1b4fa0")
                axes.annotate(cost.name, (cost.milliseconds, cost.bd_rate), (4, 5), textcoords="offset points")
        axes.set_xscale("log")
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_xlim(28, 270)
        axes.set_xticks([30, 50, 70, 100, 150, 200], ["30", "50", "70", "100", "150", "200"])
        axes.set_ylim(top=WORST)
        axes.set_xlabel("CPU time of a lossy picture (ms)")
        axes.set_ylabel("BD-rate against HM 16.12 (%)")
        axes.legend(frameon=False)
        figure.savefig(path, metadata={"Software": None})


def _points(costs: Sequence[Cost]) -> tuple[list[float], list[float]]:
    drawn = [cost for cost in costs if cost.bd_rate <= WORST]
    return [cost.milliseconds for cost in drawn], [cost.bd_rate for cost in drawn]
