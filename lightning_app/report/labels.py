"""Words beside the markers of a figure, each only where it touches nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.transforms import Bbox

SIZE = 6
"""Points of type."""
NEAR, FAR = (3.2,), (3.2, 7, 12)
"""Points of length between the middle of a marker and its word, the better first."""
CLEAR, STEP = 1.6, 2.0
"""Points of length that stay free around a word, and between the samples of a line."""
BESIDE = ((1, -0.6), (-1, 0.6), (1, 0), (-1, 0), (0, -1), (0, 1), (1, 0.6), (-1, -0.6))
"""Where the QP of a rising curve may stand, the better first: right and below."""
ABOVE = ((0, 1), (1, 0.6), (-1, 0.6), (1, 0), (-1, 0))
"""Where the name of an error bar may stand."""

Array = npt.NDArray[np.floating[Any]]


class Label(NamedTuple):
    """A word for the point (KBPI, mAP in percent)."""

    kbpi: float
    percent: float
    text: str
    colour: str


class Room(NamedTuple):
    """Where words may stand: at which sides of their points, in which distances."""

    sides: tuple[tuple[float, float], ...]
    gaps: tuple[float, ...]


QP_ROOM = Room(BESIDE, NEAR)
NAME_ROOM = Room(ABOVE, FAR)


def write_labels(axes: Axes, labels: Sequence[Label], room: Room) -> None:
    """Write each label where it touches nothing, or not at all.

    Args:
        axes: in their final place, with all that the labels must not touch.
        labels: the most important first.
        room: where they may stand.
    """
    taken = np.concatenate(list(_samples(axes)))  # (K, 2)
    boxes: list[Bbox] = []
    for label in labels:
        box = _write(axes, label, room, taken, boxes)
        if box is not None:
            boxes.append(box)


def _write(axes: Axes, label: Label, room: Room, taken: Array, boxes: Sequence[Bbox]) -> Bbox | None:
    """The label's box in pixels, or None where it is not written."""
    at, frame = axes.transData.transform((label.kbpi, label.percent)), axes.get_window_extent()
    text = axes.text(0, 0, label.text, fontsize=SIZE, color=label.colour, ha="center", va="center", transform=None)
    for box in _places(at, text.get_window_extent(), room, _pixels(axes)):
        if _is_free(box.padded(CLEAR * _pixels(axes)), taken, boxes, frame):
            text.set_transform(axes.transData)
            middle = (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
            x, y = axes.transData.inverted().transform(middle)
            text.set_position((x, y))
            return box
    text.remove()
    return None


def _pixels(axes: Axes) -> float:
    """Of one point of length."""
    return axes.figure.dpi / 72


def _places(at: Array, extent: Bbox, room: Room, scale: float) -> Iterator[Bbox]:
    """Boxes of the size of ``extent`` around a pixel."""
    x, y = at
    for gap in room.gaps:
        for right, up in room.sides:
            left = x + right * (gap * scale + extent.width / 2) - extent.width / 2
            bottom = y + up * (gap * scale + extent.height / 2) - extent.height / 2
            yield Bbox.from_bounds(left, bottom, extent.width, extent.height)


def _is_free(box: Bbox, taken: Array, boxes: Sequence[Bbox], frame: Bbox) -> bool:
    inside = frame.x0 < box.x0 and box.x1 < frame.x1 and frame.y0 < box.y0 and box.y1 < frame.y1
    return bool(inside and not box.count_contains(taken) and not box.count_overlaps(boxes))


def _samples(axes: Axes) -> Iterator[Array]:
    """Pixels on the markers, lines and bars of the axes, (K, 2) each."""
    step = STEP * _pixels(axes)
    for line in axes.lines:
        yield line.get_transform().transform(line.get_xydata())
    for path in _paths(axes):
        for start, end in pairwise(path):
            yield np.linspace(start, end, 2 + int(np.hypot(*(end - start)) / step))


def _paths(axes: Axes) -> Iterator[Array]:
    """The corners of every line that is drawn, in pixels, (V, 2)."""
    for line in axes.lines:
        if line.get_linestyle() != "None":
            yield line.get_transform().transform(line.get_xydata())
    for bars in axes.collections:
        if isinstance(bars, LineCollection):
            yield from (bars.get_transform().transform(segment) for segment in bars.get_segments())
