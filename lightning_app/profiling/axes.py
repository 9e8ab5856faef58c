"""What the figures share: a page's width, and names of many layers below an axis."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from math import ceil

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

WIDTH = 7.16
"""Inches: both columns of a page."""

SIZE = 7.0
"""Points of most letters."""

MOST_NAMES = 42
"""Names that stand side by side below an axis of this width."""


def new_figure(height: float) -> tuple[Figure, Axes]:
    """A figure over both columns, ``height`` inches high, and its axes."""
    figure = Figure(figsize=(WIDTH, height), layout="constrained", dpi=200)
    FigureCanvasAgg(figure)
    return figure, figure.add_subplot()


def spaced(count: int, always: Collection[int] = ()) -> list[int]:
    """Which of ``count`` bars bear their names: all of few, of many some at equal steps, and ``always``.

    >>> spaced(4)
    [0, 1, 2, 3]
    """
    step = ceil(count / MOST_NAMES)
    even = [bar for bar in range(0, count, step) if all(bar == kept or abs(bar - kept) >= step for kept in always)]
    return sorted({*even, *always})


def name_bars(axes: Axes, places: Sequence[float], names: Sequence[str], always: Collection[int] = ()) -> None:
    """Write the names of bars below them, upright, as many as there is room for.

    Args:
        axes: with the bars.
        places: of the bars.
        names: of the bars.
        always: numbers of the bars that must bear theirs.
    """
    chosen = spaced(len(places), always)
    axes.set_xticks([places[bar] for bar in chosen], [names[bar] for bar in chosen], rotation=90, fontsize=SIZE)
    axes.set_xlim(places[0] - 0.02 * len(places) - 0.4, places[-1] + 0.8)
    axes.tick_params(axis="x", length=2, pad=1.5)
    axes.tick_params(axis="y", labelsize=SIZE)
