"""The paper's Fig. 1, and what each way to run the network costs as stacked bars. Both are legible in grey."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain, zip_longest
from math import floor, log10
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from matplotlib.ticker import PercentFormatter

from lightning_app.profiling.axes import MOST_NAMES, SIZE, name_bars, new_figure
from lightning_app.profiling.conclusion import Aim, best_plan, best_split
from lightning_app.profiling.latency import Plan
from lightning_app.profiling.layers import Layer

DARK, PALE = "#1f4e79", "#b9d0e6"
SENT = "#e69f3c"
RAW = {"facecolor": "white", "edgecolor": SENT, "hatch": "//////", "linewidth": 0.4}
TIME, MACS = "#b02a1c", "#222222"


BLANK = Patch(fill=False, linewidth=0, label="")
"""Fills the shorter row of a legend."""


class Part(NamedTuple):
    """One colour of stacked bars.

    Attributes:
        label: for the legend.
        colour: of the bars.
        values: of each plan.
        sent: whether the uplink takes it, so that it is hatched where the size was not measured.
    """

    label: str
    colour: str
    values: Sequence[float]
    sent: bool = False


def layer_figure(layers: Sequence[Layer], picture: int) -> Figure:
    """Output volume of each layer as bars, pooling layers dark, and the cumulative cost as lines (Fig. 1).

    Args:
        layers: of the network.
        picture: samples of the input, drawn as a level.
    """
    figure, axes = new_figure(3.1)
    colours = [DARK if layer.name.startswith("max_") else PALE for layer in layers]
    volumes = [layer.samples for layer in layers]
    axes.bar(range(len(layers)), volumes, 0.8, color=colours, log=True)
    axes.set_ylim(10 ** floor(log10(min(volumes))))
    axes.axhline(picture, color="black", linewidth=0.7, linestyle=(0, (1, 1.5)))
    axes.set_ylabel("Output volume (samples)", fontsize=SIZE + 1)
    axes.set_xlabel("Layer", fontsize=SIZE + 1)
    name_bars(axes, range(len(layers)), [layer.name for layer in layers])
    _draw_costs(axes, layers)
    kinds = [Patch(color=PALE, label="volume"), Patch(color=DARK, label="of max-pooling")][: len(set(colours))]
    level = Line2D([], [], color="black", linewidth=0.7, linestyle=(0, (1, 1.5)), label="of the picture")
    lines = [
        Line2D([], [], color=TIME, linewidth=1.1, label="cumulative time"),
        Line2D([], [], color=MACS, linewidth=1.1, linestyle="--", label="cumulative MACs"),
    ]
    _legend(figure, [[*kinds, level, *lines]])
    return figure


def _draw_costs(axes: Axes, layers: Sequence[Layer]) -> None:
    """Cumulative time and MACs in percent, on an axis of their own at the right."""
    right = axes.twinx()
    places = range(len(layers))
    halo = [withStroke(linewidth=2.6, foreground="white")]
    for costs, colour, line in (
        ([100 * layer.cumulative_time for layer in layers], TIME, "-"),
        ([100 * layer.cumulative_macs for layer in layers], MACS, "--"),
    ):
        right.plot(places, costs, color=colour, linewidth=1.1, linestyle=line, path_effects=halo)
    right.set_ylim(0, 105)
    right.set_ylabel("Cumulative cost (% of the network)", fontsize=SIZE + 1)
    right.yaxis.set_major_formatter(PercentFormatter(decimals=0, symbol=""))
    right.tick_params(axis="y", labelsize=SIZE)


def latency_figure(plans: Sequence[Plan], aim: Aim, setting: str) -> Figure:
    """End-to-end latency of each plan: the mobile's, the uplink's and the cloud's part.

    Args:
        plans: mobile-only, cloud-only where it is known, and the splits.
        aim: `LATENCY`.
        setting: for the label of the axis.
    """
    parts = [
        Part("mobile", DARK, [plan.mobile_seconds for plan in plans]),
        Part("uplink", SENT, [plan.uplink_seconds for plan in plans], sent=True),
        Part("cloud", PALE, [plan.cloud_seconds for plan in plans]),
    ]
    return _stacked(plans, parts, aim, "End-to-end latency (s)", setting)


def energy_figure(plans: Sequence[Plan], aim: Aim, setting: str) -> Figure:
    """The mobile's energy for each plan: what it computes and what it sends with. Arguments as `latency_figure`."""
    parts = [
        Part("computing", DARK, [plan.mobile_joules or 0 for plan in plans]),
        Part("sending", SENT, [plan.radio_joules or 0 for plan in plans], sent=True),
    ]
    return _stacked(plans, parts, aim, "Energy of the mobile (J)", setting)


def _stacked(plans: Sequence[Plan], parts: Sequence[Part], aim: Aim, label: str, setting: str) -> Figure:
    """Bars of the plans, a gap behind those that are no splits, the best marked; the highest are cut off."""
    figure, axes = new_figure(3.2)
    places, widths = _places(plans)
    below = [0.0] * len(plans)
    for part in parts:
        for place, width, value, start, plan in zip(places, widths, part.values, below, plans, strict=True):
            style = RAW if part.sent and not plan.measured else {"color": part.colour}
            axes.bar(place, value, width, bottom=start, **style)
        below = [start + value for start, value in zip(below, part.values, strict=True)]
    limit = _limit(plans, aim)
    axes.set_ylim(0, limit)
    axes.set_ylabel(label, fontsize=SIZE + 1)
    axes.set_xlabel(f"Split behind layer; {setting}", fontsize=SIZE + 1)
    marks = _mark_best(axes, places, plans, aim, limit)
    over = [place for place, plan in zip(places, plans, strict=True) if aim.cost(plan) > limit]
    best = [plans.index(best_plan(plans, aim)), plans.index(best_split(plans, aim))]
    ends = {bar for bar, plan in enumerate(plans) if plan.system != "split"}
    name_bars(axes, places, [plan.name.replace(" ", "\n") for plan in plans], ends.union(best))
    _legend(figure, [_keys(plans, parts), [*marks, *_mark_cut_off(axes, over, limit, len(plans))]])
    return figure


def _places(plans: Sequence[Plan]) -> tuple[list[float], list[float]]:
    """Where each bar stands and how wide it is: wider where it is no split, so that its name has room beside many."""
    lines = 1 + any(" " in plan.name for plan in plans)
    room = max(1.0, lines * len(plans) / MOST_NAMES)
    ends = sum(plan.system != "split" for plan in plans)
    places = [room * bar for bar in range(ends)] + [room * ends + 0.8 + bar for bar in range(len(plans) - ends)]
    return places, [0.8 * room] * ends + [0.8] * (len(plans) - ends)


def _limit(plans: Sequence[Plan], aim: Aim) -> float:
    """Top of the axis: mobile-only, cloud-only and three times the best split are seen, all if they go so far."""
    ends = [aim.cost(plan) for plan in plans if plan.system != "split"]
    wanted = max(*ends, 3 * aim.cost(best_split(plans, aim)))
    return 1.15 * min(wanted, max(aim.cost(plan) for plan in plans))


def _keys(plans: Sequence[Plan], parts: Sequence[Part]) -> list[Patch]:
    keys = [Patch(color=part.colour, label=part.label) for part in parts]
    if not all(plan.measured for plan in plans):
        (sent,) = [part.label for part in parts if part.sent]
        keys.append(Patch(**RAW, label=f"{sent}, raw float32 (not measured)"))  # type: ignore[arg-type]
    return keys


def _mark_cut_off(axes: Axes, over: Sequence[float], limit: float, bars: int) -> list[Line2D]:
    """Triangles on the frame over bars that go on beyond it, and their key."""
    if not over:
        return []
    size = min(4.0, 250 / bars)
    axes.plot(over, [limit] * len(over), "^", color="black", markersize=size, clip_on=False, linestyle="none", zorder=5)
    return [Line2D([], [], marker="^", color="black", markersize=4, linestyle="none", label="beyond the axis")]


def _mark_best(axes: Axes, places: Sequence[float], plans: Sequence[Plan], aim: Aim, limit: float) -> list[Line2D]:
    """A full mark over the best plan and, if that is no split, an empty one over the best split; their keys."""
    best, split = best_plan(plans, aim), best_split(plans, aim)
    name = best.name.removeprefix("cloud-only ")  # of a codec's, so that there is room for it
    marks = [(best, "black", f"{aim.superlative}: {name}, {aim.text(best)}")]
    if split != best:
        marks.append((split, "white", f"{aim.superlative} split: {split.name}, {aim.text(split)}"))
    for plan, fill, _ in marks:
        height = aim.cost(plan) + 0.035 * limit
        axes.plot(places[plans.index(plan)], height, "v", color=fill, markeredgecolor="black", markersize=5, zorder=5)
    style = {"marker": "v", "markeredgecolor": "black", "markersize": 5, "linestyle": "none"}
    return [Line2D([], [], color=fill, label=label, **style) for _, fill, label in marks]  # type: ignore[arg-type]


def _legend(figure: Figure, rows: Sequence[Sequence[Patch | Line2D]]) -> None:
    """Rows of keys above the axes, where they cover nothing."""
    columns: Iterable[tuple[Patch | Line2D, ...]] = zip_longest(*rows, fillvalue=BLANK)
    keys = list(chain.from_iterable(columns))  # matplotlib fills column after column
    figure.legend(
        keys,
        [str(key.get_label()) for key in keys],
        loc="outside upper center",
        ncols=max(len(row) for row in rows),
        frameon=False,
        fontsize=SIZE,
    )
