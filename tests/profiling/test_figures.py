"""Figures bear labels with units, and nothing in them lies over anything else, with few layers and with many."""

from itertools import combinations, pairwise

import numpy as np
import pytest
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from lightning_app.profiling.axes import spaced
from lightning_app.profiling.conclusion import ENERGY, LATENCY
from lightning_app.profiling.cuts import Cut
from lightning_app.profiling.figures import energy_figure, latency_figure, layer_figure
from lightning_app.profiling.latency import Plan, Setting, plans_of
from lightning_app.profiling.layers import Layer
from lightning_app.profiling.sizes import Size
from lightning_app.profiling.uplink import parse_uplink

KINDS = ("conv", "max", "shortcut", "upsample")


def names(count: int) -> list[str]:
    return [f"{KINDS[i % 4]}_{i}" for i in range(count)]


def layers(count: int) -> list[Layer]:
    volumes = [6_000_000 // (i + 1) for i in range(count)]
    rows = zip(names(count), volumes, strict=True)
    return [Layer(i, name, v, 1, 1, v, 10, i / count, 1.0, (i + 1) / count) for i, (name, v) in enumerate(rows)]


def plans(count: int, best: int) -> list[Plan]:
    """Mobile-only, cloud-only and ``count`` splits, of which number ``best`` is the only one that sends little."""
    cuts = [Cut(name, (name,), (10**6,), tuple(range(i)), ()) for i, name in enumerate(names(count))]
    sizes = {names(count)[best]: Size(1, "measured", measured=True)}
    setting = Setting(parse_uplink("3G"), mobile_watts=5, radio_watts=2)
    pictures = {
        "cloud-only": Size(710, "original", measured=True),
        "cloud-only HEVC420": Size(9, "qp32", measured=True),
    }
    return plans_of(cuts, [0.01] * count, range(count), sizes, pictures, setting)


def figures(count: int, best: int = 3) -> list[Figure]:
    found = plans(count, best)
    setting = "uplink 3G, 1.1 Mbps; mobile 10×, cloud 1× the measured time; 5 W computing, 1.5 W sending"
    return [
        layer_figure(layers(count), 500_000),
        latency_figure(found, LATENCY, setting),
        energy_figure(found, ENERGY, setting),
    ]


def drawn_labels(scale: Axis) -> list[Text]:
    """Those of the ticks within the axis; matplotlib keeps some beyond it."""
    low, high = sorted(scale.get_view_interval())
    labels = zip(scale.get_majorticklabels(), scale.get_majorticklocs(), strict=True)
    return [label for label, place in labels if low <= place <= high]


def boxes(figure: Figure) -> list[Bbox]:
    """Of every text and of the inside of the axes, which the texts lie around."""
    figure.canvas.draw()
    scales = [scale for axes in figure.axes for scale in (axes.xaxis, axes.yaxis) if scale.get_visible()]
    texts = [text for scale in scales for text in drawn_labels(scale)]
    texts += [text for axes in figure.axes for text in (axes.xaxis.label, axes.yaxis.label)]
    texts += [text for legend in figure.legends for text in legend.get_texts()]
    return [text.get_window_extent() for text in texts if text.get_text()] + [figure.axes[0].get_window_extent()]


@pytest.mark.parametrize("count", [4, 32, 126])
def test_no_text_lies_over_another_or_leaves_the_figure(count: int) -> None:
    for figure in figures(count):
        found = boxes(figure)
        page = figure.bbox
        assert all(page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 and box.y1 <= page.y1 for box in found)
        for one, other in combinations(found, 2):
            width = min(one.x1, other.x1) - max(one.x0, other.x0)
            height = min(one.y1, other.y1) - max(one.y0, other.y0)
            # A box holds its letters with some air; a hundredth of an inch of it may be shared.
            assert min(width, height) < figure.dpi / 100, (one, other)


def test_axes_say_their_units() -> None:
    volume, latency, energy = figures(32)
    assert [axes.get_ylabel() for axes in volume.axes] == [
        "Output volume (samples)",
        "Cumulative cost (% of the network)",
    ]
    assert latency.axes[0].get_ylabel() == "End-to-end latency (s)"
    assert "uplink 3G, 1.1 Mbps" in latency.axes[0].get_xlabel()
    assert energy.axes[0].get_ylabel() == "Energy of the mobile (J)"


def test_fig_1_draws_every_volume_and_both_costs() -> None:
    bars, costs = layer_figure(layers(32), 500_000).axes
    assert [bar.get_height() for bar in bars.patches] == [layer.samples for layer in layers(32)]  # type: ignore[attr-defined]
    time, macs = (np.asarray(line.get_ydata()) for line in costs.lines)
    assert time[-1] == 100
    assert macs[16] == 50
    assert [tick.get_text() for tick in bars.get_xticklabels()] == names(32)


def test_stacks_are_as_high_as_the_latency() -> None:
    found = plans(5, best=2)
    axes = latency_figure(found, LATENCY, "").axes[0]
    tops = [bar.get_y() + bar.get_height() for bar in axes.patches]  # type: ignore[attr-defined]
    assert tops[:8] == pytest.approx([plan.mobile_seconds for plan in found])
    assert tops[8:16] == pytest.approx([plan.mobile_seconds + plan.uplink_seconds for plan in found])
    assert tops[16:] == pytest.approx([plan.seconds for plan in found])


@pytest.mark.parametrize("best", [0, 60, 125])
def test_the_best_split_of_many_is_marked_and_bears_its_name(best: int) -> None:
    figure = latency_figure(plans(126, best), LATENCY, "")
    axes = figure.axes[0]
    ticks = {tick.get_text(): place for tick, place in zip(axes.get_xticklabels(), axes.get_xticks(), strict=True)}
    assert {"mobile-only", "cloud-only", "cloud-only\nHEVC420", names(126)[best]} <= set(ticks)
    marks = [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "v"]  # type: ignore[index]
    assert ticks[names(126)[best]] in marks
    assert any(names(126)[best] in text.get_text() for text in figure.legends[0].get_texts())


def test_bars_that_go_on_beyond_the_axis_and_sizes_that_were_not_measured_are_marked() -> None:
    figure = latency_figure(plans(32, best=3), LATENCY, "")
    axes = figure.axes[0]
    keys = [text.get_text() for text in figure.legends[0].get_texts()]
    assert {"uplink, raw float32 (not measured)", "beyond the axis"} <= set(keys)
    (over,) = [line for line in axes.lines if line.get_marker() == "^"]
    limit = axes.get_ylim()[1]
    assert len(over.get_xdata()) == sum(plan.seconds > limit for plan in plans(32, best=3)) > 0  # type: ignore[arg-type]
    assert sum(bar.get_hatch() is not None for bar in axes.patches) == 31


@pytest.mark.parametrize("count", [1, 42, 43, 126, 1000])
def test_names_that_are_shown_are_a_step_apart(count: int) -> None:
    always = {count // 2}
    chosen = spaced(count, always)
    step = -(-count // 42)
    assert always <= set(chosen)
    assert all(after - before >= step for before, after in pairwise(chosen))
