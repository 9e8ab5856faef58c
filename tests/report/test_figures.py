"""Fig. 4 and Fig. 5, drawn for real: what is in them, and that everything can be read, in grey too."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from lightning_app.records.differences import Difference
from lightning_app.records.points import Point
from lightning_app.report.canvas import journal_style
from lightning_app.report.figure4 import lossless_figure
from lightning_app.report.figure5 import lossy_figure
from lightning_app.report.looks import CLOUD_STYLES, FILLS, LINES, SPLIT_STYLES

Systems = dict[str, tuple[list[Point], list[Difference]]]
Draw = Callable[[Systems], Figure | None]
BOTH = pytest.mark.parametrize("draw", [lossless_figure, lossy_figure])


@pytest.fixture(autouse=True)
def style() -> Iterator[None]:
    with journal_style():
        yield


def drawn(draw: Draw, systems: Systems) -> tuple[Figure, Axes]:
    figure = draw(systems)
    assert figure is not None
    figure.canvas.draw()
    (axes,) = figure.axes
    return figure, axes


def many(systems: Systems) -> Systems:
    """Eleven splits, four sets of weights, and names that no one should give."""
    (first, _), (again, _) = systems.values()
    splits = [
        replace(p, split=f"conv_{i}", kbpi=(1 + i) * p.kbpi) for i in range(8) for p in again if p.split == "max_7"
    ]
    long = "_runs/experiments/2026-11/lr=1e-3/$x$/version_0/points.csv and_it_goes_on_and_on|"
    return {long: (first, []), "b": (splits, []), "c": (again, []), "d": (first, [])}


def key_texts(figure: Figure) -> list[str]:
    return [text.get_text().strip() for legend in figure.legends for text in legend.get_texts()]


def all_texts(figure: Figure, axes: Axes) -> list[Text]:
    """What can be read: keys, labels, and the numbers of the ticks inside the frame."""
    legends = [text for legend in figure.legends for text in legend.get_texts()]
    ticks = []
    for axis in (axes.xaxis, axes.yaxis):
        low, high = sorted(axis.get_view_interval())
        ticks += [tick.label1 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
    return [*legends, *axes.texts, axes.xaxis.label, axes.yaxis.label, *ticks]


def points(line: Line2D) -> npt.NDArray[np.float64]:
    """Its KBPI and mAP, (K, 2)."""
    return np.asarray(line.get_xydata(), np.float64)


def markers(axes: Axes) -> dict[tuple[float, float], Line2D]:
    """Each marker by its KBPI and mAP."""
    bars = ("None", "|", "_")  # the ends of error bars are markers too
    found = [line for line in axes.lines if str(line.get_marker()) not in bars]
    return {(round(float(x), 2), round(float(y), 2)): line for line in found for x, y in points(line)}


def curves(axes: Axes) -> list[Line2D]:
    return [line for line in axes.lines if line.get_linestyle() != "None" and len(points(line)) > 2]


@BOTH
@pytest.mark.parametrize("make", [dict, many, lambda systems: {"default": systems["default"]}])
def test_no_text_touches_another_or_leaves_the_figure(
    systems: Systems, draw: Draw, make: Callable[[Systems], Systems]
) -> None:
    figure, axes = drawn(draw, make(systems))
    found = [text for text in all_texts(figure, axes) if text.get_text().strip()]
    boxes = [(text.get_text(), text.get_window_extent()) for text in found]
    assert len(boxes) > 10
    assert [
        name for name, box in boxes if not all(figure.bbox.contains(*corner) for corner in (box.min, box.max))
    ] == []
    assert [(a, b) for (a, box), (b, other) in combinations(boxes, 2) if box.overlaps(other)] == []


@BOTH
def test_no_label_covers_a_marker(systems: Systems, draw: Draw) -> None:
    _, axes = drawn(draw, systems)
    pixels = axes.transData.transform(list(markers(axes)))
    assert len(axes.texts) >= 3
    assert [text.get_text() for text in axes.texts if text.get_window_extent().padded(3).count_contains(pixels)] == []


@BOTH
def test_axes_are_labelled_with_units_and_kbpi_is_logarithmic(systems: Systems, draw: Draw) -> None:
    figure, axes = drawn(draw, systems)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("Kilobits per image (KBPI)", "mAP, 11-point (%)")
    assert axes.get_xscale() == "log"
    assert figure.get_size_inches()[0] == 3.5  # a column of an IEEE journal


def test_fig4_has_a_point_a_split_depth_and_weights_and_the_red_square(systems: Systems) -> None:
    _, axes = drawn(lossless_figure, systems)
    found = markers(axes)
    lossless = [p for several, _ in systems.values() for p in several if p.qp == "lossless"]
    assert len(lossless) == 12
    assert set(found) == {(round(p.kbpi, 2), round(100 * p.map, 2)) for p in lossless} | {(710.28, 38.11)}
    assert (found[710.28, 38.11].get_marker(), found[710.28, 38.11].get_color()) == ("s", "#e00000")
    assert [found[at].get_marker() for at in ((162.4, 37.95), (227.36, 38.01), (308.56, 37.99))] == ["o", "^", "D"]
    assert (found[162.4, 37.95].get_markerfacecolor(), found[162.4, 38.05].get_markerfacecolor()) == (
        "#cc2a1e",
        "white",
    )


def test_fig4_has_bars_of_one_standard_deviation_each_way(systems: Systems) -> None:
    (point,) = (p for p in systems["default"][0] if p.name == "max_9 tiled 8-bit HEVC lossless")
    _, axes = drawn(lossless_figure, {"default": ([point], [])})
    bars = [bar.get_segments()[0].ravel() for bar in axes.collections if isinstance(bar, LineCollection)]
    assert bars[0] == pytest.approx([45, 38, 75, 38])  # along KBPI
    assert bars[1] == pytest.approx([60, 36.85, 60, 39.15])  # along mAP
    unknown = replace(point, depth="10", map_std=None)
    _, axes = drawn(lossless_figure, {"default": ([point, unknown], [])})
    assert [len(bar.get_segments()) for bar in axes.collections if isinstance(bar, LineCollection)] == [2, 1]


def test_fig5_joins_qps_in_order_behind_the_lossless_point(systems: Systems) -> None:
    default, _ = systems["default"]
    shuffled = [*default[3:], *default[:3]]
    _, axes = drawn(lossy_figure, {"default": (shuffled, [])})
    rates = [[round(x, 1) for x, _ in points(line).tolist()] for line in curves(axes)]
    assert [162.4, 76.1, 56.1, 37.3, 20.2, 8.0, 3.0] in rates
    assert [301.8, 183.6, 104.5, 53.3, 25.0, 11.0] in rates
    assert len(rates) == 4
    assert markers(axes)[162.4, 37.95].get_markerfacecolor() == "white"


def test_fig5_is_green_blue_and_red_as_the_paper_and_retrained_weights_are_dashed(systems: Systems) -> None:
    figure, axes = drawn(lossy_figure, systems)
    looks = [(line.get_color(), line.get_linestyle()) for line in curves(axes)]
    green, blue, red, violet = "#2a8a3e", "#1f4fa3", "#cc2a1e", "#7d3c98"
    assert looks == [*((c, "-") for c in (green, blue, red, violet)), *((c, "--") for c in (blue, red, violet))]
    assert key_texts(figure)[:6] == ["cloud-only HEVC420", "max_5", "max_7", "max_9", "default", "retrained"]


def test_fig5_has_the_uncoded_map_as_a_level_line_and_the_qps_of_the_first_weights(systems: Systems) -> None:
    again = [replace(p, qp=str(int(p.qp) + 1)) for p in systems["retrained"][0] if p.qp.isdigit()]
    _, axes = drawn(lossy_figure, {**systems, "retrained": (again, [])})
    level = [line for line in axes.lines if points(line)[:, 1].tolist() == [38.11, 38.11]]
    assert len(level) == 1
    written = {text.get_text() for text in axes.texts}
    assert {"QP 47", "42", "32", "22"} <= written <= {"QP 47", "42", "37", "32", "27", "22"}


def test_grey_tells_apart_what_colour_does(systems: Systems) -> None:
    _, markers_, _ = zip(*SPLIT_STYLES, *CLOUD_STYLES, strict=True)
    _, _, split_lines = zip(*SPLIT_STYLES, strict=True)
    for several in (markers_, split_lines, LINES, FILLS):
        assert len(set(several)) == len(several)
    _, axes = drawn(lossy_figure, systems)
    assert {str(line.get_marker()) for line in markers(axes).values()} == {"s", "o", "^", "D"}
    _, axes = drawn(lossless_figure, systems)
    assert {text.get_text() for text in axes.texts} == {"max_5", "max_7", "max_9"}


def test_two_curves_of_one_split_are_called_by_all_that_they_are(systems: Systems) -> None:
    tiled, _ = systems["default"]
    quilted = [replace(point, layout="quilted") for point in tiled if point.split == "max_7"]
    figure, _ = drawn(lossy_figure, {"default": ([*quilted, *tiled], [])})
    names = key_texts(figure)
    assert {"max_7 quilted 8-bit HEVC", "max_7 tiled 8-bit HEVC", "max_5"} <= set(names)
    figure, _ = drawn(lossless_figure, {"default": ([*quilted, *tiled], [])})
    assert {"max_7 quilted HEVC", "max_7 tiled HEVC", "max_5"} <= set(key_texts(figure))


def test_each_transform_of_a_split_is_a_curve_of_its_own(systems: Systems) -> None:
    plain, _ = systems["default"]
    klt = [replace(point, transform="KLT(0.5)", kbpi=point.kbpi / 2) for point in plain if point.split == "max_7"]
    figure, _ = drawn(lossy_figure, {"default": ([*klt, *plain], [])})
    assert {"max_7 KLT(0.5) tiled 8-bit HEVC", "max_7 tiled 8-bit HEVC", "max_5"} <= set(key_texts(figure))
    figure, _ = drawn(lossless_figure, {"default": ([*klt, *plain], [])})
    assert {"max_7 KLT(0.5) tiled HEVC", "max_7 tiled HEVC", "max_5"} <= set(key_texts(figure))


@BOTH
def test_curves_past_those_that_can_be_told_apart_are_named_as_left_out(systems: Systems, draw: Draw) -> None:
    figure, _ = drawn(draw, many(systems))
    assert "and 3 more in points.md" in key_texts(figure)


@BOTH
def test_names_with_dollars_and_underscores_are_printed_as_they_are(systems: Systems, draw: Draw) -> None:
    figure, _ = drawn(draw, many(systems))
    assert any(text.startswith("_runs/") and "$x$" in text for text in key_texts(figure))
    assert not any(text.get_parse_math() for text in figure.findobj(Text))


@BOTH
def test_one_set_of_weights_needs_no_key_of_weights(systems: Systems, draw: Draw) -> None:
    figure, _ = drawn(draw, {"default": systems["default"]})
    assert "default" not in key_texts(figure)
