"""Real feature tiles, and the features that they are the tiles of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from lightning_app.codecs import QP, Picture
from lightning_app.tiling import grid, untile

QPS: tuple[QP, ...] = (None, 22, 27, 32, 37)
CHANNELS = {"max_5": 64, "max_7": 128}
"""By the layer that a tile is of."""


def read_tiles(shared: Path, layer: str, depth: int = 8) -> list[Picture]:
    """The tiles of a layer, (H, W) each: 416×416 for max_5, 208×416 for max_7."""
    files = sorted((shared / "hm-reference").glob(f"*_{layer}_{depth}bit.png"))
    return [read_tile(file, depth) for file in files]


def read_tile(file: Path, depth: int) -> Picture:
    """One tile, (H, W)."""
    image = np.asarray(Image.open(file))
    return image.astype(np.uint8) if depth == 8 else image.astype(np.uint16)


def as_features(tiles: Sequence[Picture], layer: str) -> Tensor:
    """(B, C, N, M) float32 that the channel quantises and tiles into these very pictures."""
    channels = CHANNELS[layer]
    rows, columns = grid(channels)
    n, m = tiles[0].shape[0] // rows, tiles[0].shape[1] // columns
    features = untile(torch.from_numpy(np.stack(tiles)), (channels, n, m)).float()
    features[:, 0, 0, 0], features[:, -1, -1, -1] = 0, 255  # the range of the quantiser
    return features
