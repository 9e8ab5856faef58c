"""Channels side by side in one picture (Fig. 3a of the paper), and back."""

from __future__ import annotations

import math

from torch import Tensor


def grid(channels: int) -> tuple[int, int]:
    """Rows and columns of tiles for C channels: the squarest exact grid, the longer side across.

    >>> grid(64), grid(128), grid(425)
    ((8, 8), (8, 16), (17, 25))
    """
    rows = next(rows for rows in range(math.isqrt(channels), 0, -1) if channels % rows == 0)
    return rows, channels // rows


def tile(q: Tensor) -> Tensor:
    """(B, C, N, M) -> one picture an image (B, rows·N, cols·M), the channels in reading order."""
    b, c, n, m = q.shape
    rows, cols = grid(c)
    q = q.reshape(b, rows, cols, n, m)  # (B, rows, cols, N, M)
    return q.transpose(2, 3).reshape(b, rows * n, cols * m)  # (B, rows·N, cols·M)


def untile(pictures: Tensor, shape: tuple[int, int, int]) -> Tensor:
    """(B, rows·N, cols·M) -> (B, C, N, M), the inverse of `tile`.

    Args:
        pictures: as `tile` made them.
        shape: C, N, M.
    """
    c, n, m = shape
    rows, cols = grid(c)
    pictures = pictures.reshape(-1, rows, n, cols, m)  # (B, rows, N, cols, M)
    return pictures.transpose(2, 3).reshape(-1, c, n, m)  # (B, C, N, M)
