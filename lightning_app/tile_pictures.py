"""What a codec takes and gives back, as grey pictures for a person."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lightning_app.codecs.base import Picture
from lightning_app.tiling import grid

Grey = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.floating[Any]] | npt.NDArray[np.integer[Any]]
TAILS = (1.0, 99.0)
"""Percentiles of the samples that become black and white."""


def flat(picture: Picture) -> Picture:
    """A picture (H, W) as it is; the frames of a video (F, H, W) beside and below each other, (rows·H, cols·W)."""
    if picture.ndim == 2:
        return picture
    frames, height, width = picture.shape
    rows, cols = grid(frames)
    tiled = picture.reshape(rows, cols, height, width).swapaxes(1, 2)  # (rows, H, cols, W)
    return tiled.reshape(rows * height, cols * width)


def ends(picture: Picture) -> tuple[float, float]:
    """The samples that are best shown black and white: most of a feature picture is near its minimum."""
    low, high = np.percentile(picture, TAILS)
    return float(low), float(high)


def in_range(picture: Numbers, low: float, high: float) -> Grey:
    """Samples from ``low``, black, to ``high``, white."""
    span = high - low if high > low else 1.0
    shares = ((picture.astype(np.float64) - low) / span).clip(0, 1)
    grey: Grey = np.rint(255 * shares).astype(np.uint8)
    return grey
