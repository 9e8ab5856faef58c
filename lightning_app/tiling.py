"""Channels in one picture or in the frames of a video (Section 3.2 and Fig. 3 of the paper), and back."""

from __future__ import annotations

import math
from typing import Literal

from torch import Tensor

from lightning_app.errors import OptionError

Layout = Literal["tiled", "quilted", "frames"]
"""Each channel whole beside the others (Fig. 3a); neighbouring samples from different channels (Fig. 3b); a video."""


def tile(q: Tensor, layout: Layout = "tiled", group: int = 1) -> Tensor:
    """Lay out the channels of each image.

    Args:
        q: (B, C, N, M).
        layout: where the channels go, always in their own order, in reading order.
        group: channels that share a frame of the layout ``frames``, tiled; it must divide C.

    Returns:
        one picture an image, (B, rows·N, cols·M), rows and cols as of `grid`; for ``frames`` one video an image,
        (B, C / group, rows·N, cols·M).
    """
    b, c, n, m = q.shape
    if layout == "frames":
        f = _frame_count(c, group)
        frames = tile(q.reshape(b * f, group, n, m))  # (B·F, rows·N, cols·M)
        return frames.reshape(b, f, *frames.shape[1:])  # (B, F, rows·N, cols·M)
    rows, cols = grid(c)
    q = q.reshape(b, rows, cols, n, m)  # (B, rows, cols, N, M)
    if layout == "quilted":
        return q.permute(0, 3, 1, 4, 2).reshape(b, n * rows, m * cols)  # (B, N·rows, M·cols)
    return q.transpose(2, 3).reshape(b, rows * n, cols * m)  # (B, rows·N, cols·M)


def untile(pictures: Tensor, shape: tuple[int, int, int], layout: Layout = "tiled", group: int = 1) -> Tensor:
    """The inverse of `tile`: pictures or videos -> (B, C, N, M).

    Args:
        pictures: as `tile` made them.
        shape: C, N, M.
        layout: as given to `tile`.
        group: as given to `tile`.
    """
    c, n, m = shape
    if layout == "frames":
        b, f = pictures.shape[:2]
        return untile(pictures.flatten(0, 1), (group, n, m)).reshape(b, f * group, n, m)  # (B, C, N, M)
    rows, cols = grid(c)
    if layout == "quilted":
        pictures = pictures.reshape(-1, n, rows, m, cols)  # (B, N, rows, M, cols)
        return pictures.permute(0, 2, 4, 1, 3).reshape(-1, c, n, m)  # (B, C, N, M)
    pictures = pictures.reshape(-1, rows, n, cols, m)  # (B, rows, N, cols, M)
    return pictures.transpose(2, 3).reshape(-1, c, n, m)  # (B, C, N, M)


def picture_shape(shape: tuple[int, int, int], layout: Layout = "tiled", group: int = 1) -> tuple[int, ...]:
    """What `tile` makes of one image's features: (H, W), or (F, H, W) for ``frames``.

    Args:
        shape: C, N, M.
        layout: as given to `tile`.
        group: as given to `tile`.
    """
    c, n, m = shape
    rows, cols = grid(group if layout == "frames" else c)
    frames = (_frame_count(c, group),) if layout == "frames" else ()
    return (*frames, rows * n, cols * m)


def layout_name(layout: Layout, group: int) -> str:
    """A layout as ``points.csv`` has it: ``tiled``, ``quilted``, ``frames/8``."""
    return f"{layout}/{group}" if layout == "frames" else layout


def grid(channels: int) -> tuple[int, int]:
    """Rows and columns of tiles for C channels: the squarest exact grid, the longer side across.

    >>> grid(64), grid(128), grid(425)
    ((8, 8), (8, 16), (17, 25))
    """
    rows = next(rows for rows in range(math.isqrt(channels), 0, -1) if channels % rows == 0)
    return rows, channels // rows


def _frame_count(channels: int, group: int) -> int:
    if channels % group:
        raise OptionError(
            f"group={group} must divide the {channels} channels that are sent, so that all frames have one size"
        )
    return channels // group
