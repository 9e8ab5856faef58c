"""Colours, markers and lines of the figures; grey tells everything apart that colour does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from lightning_app.records.points import Point
from lightning_app.report.series import CLOUD_ONLY, short_names

Line = str | tuple[int, tuple[float, ...]]
"""A line style of matplotlib."""

GREY = "#444444"
LINES: tuple[Line, ...] = ("-", (0, (4, 1.6)), (0, (4, 1.4, 1, 1.4)), (0, (1, 1.2)))
"""Of the sets of weights: default solid, retrained dashed, then dash-dot and dotted."""
FILLS = (("full", False), ("full", True), ("left", False), ("bottom", False))
"""Of markers by the set of weights: which part is filled, and whether with white."""

CLOUD_STYLES: tuple[tuple[str, str, Line], ...] = (
    ("#2a8a3e", "s", "-"),
    ("#86b300", "p", (0, (5, 1))),
    ("#0f5c4a", "h", (0, (1, 1))),
)
SPLIT_STYLES: tuple[tuple[str, str, Line], ...] = (
    ("#1f4fa3", "o", "-"),
    ("#cc2a1e", "^", (0, (4, 1.6))),
    ("#7d3c98", "D", (0, (4, 1.4, 1, 1.4))),
    ("#e08700", "v", (0, (1, 1.2))),
    ("#00868b", "P", (0, (8, 2))),
    ("#7a5230", "X", (0, (6, 1.2, 1, 1.2, 1, 1.2))),
    ("#d0559a", "<", (0, (1, 2.8))),
    ("#555555", ">", (0, (2, 2))),
)
"""Colour, marker and line of a curve, as in the paper: cloud-only green, the first split blue, the second red."""


class Look(NamedTuple):
    """How a curve is printed.

    Attributes:
        name: in the key.
        colour: that of the same curve in all its weights.
        marker: where a marker says the curve, in Fig. 5.
        line: where a line says the curve, in Fig. 4.
    """

    name: str
    colour: str
    marker: str
    line: Line


def looks(points: Iterable[tuple[str, Point]]) -> tuple[dict[str, Look], int]:
    """The look of each curve, and how many are left without one: more than three cloud-only ones or eight others.

    Args:
        points: of each curve any one, by the curve.
    """
    points = list(points)
    names = short_names((point.split, curve) for curve, point in points)
    whole = {curve for curve, point in points if point.system == CLOUD_ONLY}
    cloud = zip((curve for curve in names if curve in whole), CLOUD_STYLES, strict=False)
    cut = zip((curve for curve in names if curve not in whole), SPLIT_STYLES, strict=False)
    found = {curve: Look(names[curve], *style) for curve, style in (*cloud, *cut)}
    return found, len(names) - len(found)
