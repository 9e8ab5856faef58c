"""The frame of a figure that a journal prints: one column wide, mAP against KBPI, keys below the axes."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from lightning_app.files import written_whole
from lightning_app.records.truth import ANNOTATIONS, is_taught

Key = Line2D | Patch
"""An entry of a key: a look, and its label."""

WIDTH = 3.5
"""Inches: one column of an IEEE journal."""
PLOT, ABOVE, BELOW, LEFT, RIGHT = 2.35, 0.06, 0.35, 0.46, 0.14
"""Inches: the height of the axes, and the room around them for ticks and labels."""
DPI = 200
WRAP = 56
"""Characters of a label that fit into a line."""

STYLE: dict[Any, Any] = {
    "font.family": ["STIXGeneral", "DejaVu Sans"],
    "font.size": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "axes.labelsize": 8,
    "axes.linewidth": 0.6,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.top": True,
    "ytick.right": True,
    "lines.linewidth": 0.9,
    "lines.markersize": 3.6,
    "lines.markeredgewidth": 0.7,
    "text.parse_math": False,  # a name may hold a dollar sign
    "svg.hashsalt": "dfc",
}


@contextmanager
def journal_style() -> Iterator[None]:
    """Matplotlib's own defaults and ours, whatever the user's matplotlibrc says."""
    # Not rcdefaults, which reads all of matplotlib's style sheets.
    with mpl.rc_context({name: value for name, value in mpl.rcParamsDefault.items() if name != "backend"}):
        mpl.rcParams.update(STYLE)
        yield


def new_figure(truth: str = ANNOTATIONS) -> tuple[Figure, Axes]:
    """A figure with axes of mAP in percent, against annotations or a teacher, over KBPI on a logarithmic scale."""
    figure = Figure(figsize=(WIDTH, PLOT), dpi=DPI)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xscale("log")
    axes.set_xlabel("Kilobits per image (KBPI)", labelpad=2)
    axes.set_ylabel("mAP against the teacher (%)" if is_taught(truth) else "mAP, 11-point (%)", labelpad=3)
    axes.margins(x=0.05, y=0.06)
    axes.grid(visible=True, linewidth=0.3, color="#cccccc")
    axes.set_axisbelow(True)
    return figure, axes


def key(label: str, linestyle: Any = "", **look: Any) -> Line2D:
    """An entry of a key, a line or a marker."""
    label = "\n".join(textwrap.wrap(label, WRAP, break_on_hyphens=False))
    return Line2D([], [], label=label, linestyle=linestyle, **look)


def finish(figure: Figure, keys: Sequence[Sequence[Key]]) -> None:
    """Number the axes, and set the keys one below another under them; the figure grows by their heights."""
    (axes,) = figure.axes
    if axes.get_xscale() == "log":
        _number(axes)
    legends = [_fitting(figure, entries) for entries in keys if entries]
    heights = [legend.get_window_extent().height / DPI for legend in legends]  # inches
    height = ABOVE + PLOT + BELOW + sum(heights)
    figure.set_size_inches(WIDTH, height)
    axes.set_position((LEFT / WIDTH, 1 - (ABOVE + PLOT) / height, 1 - (LEFT + RIGHT) / WIDTH, PLOT / height))
    top = sum(heights)
    for legend, own in zip(legends, heights, strict=True):
        legend.set_bbox_to_anchor((0.5, top / height), transform=figure.transFigure)
        top -= own


def _number(axes: Axes) -> None:
    low, high = axes.get_xlim()
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high / low > 10 else (1, 1.5, 2, 3, 4, 5, 7)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(LogLocator(subs=range(2, 10)))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _fitting(figure: Figure, entries: Sequence[Key]) -> Legend:
    """A key in as many columns as fit into the width."""
    for columns in range(min(4, len(entries)), 1, -1):
        legend = _legend(figure, entries, columns)
        if legend.get_window_extent().width <= WIDTH * DPI:
            return legend
        legend.remove()
    return _legend(figure, entries, 1)


def _legend(figure: Figure, entries: Sequence[Key], columns: int) -> Legend:
    markers_alone = all(entry.get_linestyle() == "None" for entry in entries)
    return figure.legend(
        handles=entries,
        loc="upper center",
        ncols=columns,
        frameon=False,
        borderpad=0.2,
        borderaxespad=0,
        labelspacing=0.25,
        columnspacing=1.2,
        handlelength=1.0 if markers_alone else 2.6,
        handletextpad=0.5,
    )


def save(figure: Figure, stem: Path) -> list[Path]:
    """Write a figure as PNG and SVG, the same bytes for the same figure."""
    paths = [stem.with_suffix(".png"), stem.with_suffix(".svg")]
    for path, undated in zip(paths, ("Software", "Date"), strict=True):
        with written_whole(path) as file:
            figure.savefig(file, format=path.suffix[1:], metadata={undated: None})
    return paths
