"""Feature pictures to look at: what the codec was given and what it made of it, side by side."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from lightning_app.channel import FeatureChannel
from lightning_app.codecs.base import FLOAT
from lightning_app.quantize import quantize
from lightning_app.tiling import Layout, tile

GAP = 4
"""White pixels between before and after."""


def side_by_side(v: Tensor, v_hat: Tensor, channel: FeatureChannel) -> list[Image.Image]:
    """Each image's feature picture, before coding on the left and after on the right, in 8 bits.

    Args:
        v: (B, C, N, M) features.
        v_hat: (B, C, N, M) what the channel made of them.
        channel: whose quantiser and layout to show.
    """
    wire = channel.wire
    depth = 8 if wire.depth == FLOAT else wire.depth
    # The frames of a video are tiled, to be seen at once.
    layout: Layout = "quilted" if wire.layout == "quilted" else "tiled"
    q, lo, hi = quantize(v, depth, wire.zero_min and wire.transform is None)
    pictures = [tile(samples.int() >> (depth - 8), layout) for samples in (q, requantize(v_hat, lo, hi, depth))]
    before, after = (side.to(torch.uint8).cpu().numpy() for side in pictures)  # (B, H, W), (B, H, W)
    gap = np.full((before.shape[1], GAP), 255, np.uint8)
    return [Image.fromarray(np.hstack([left, gap, right])) for left, right in zip(before, after, strict=True)]


def requantize(v_hat: Tensor, lo: Tensor, hi: Tensor, depth: int) -> Tensor:
    """The samples that `dequantize` turned into features: Eq. (2) by the range that crossed.

    Args:
        v_hat: (B, C, N, M) decoded features.
        lo: (B,) minimum of each tensor before coding.
        hi: (B,) maximum of each tensor before coding.
        depth: n_bit, the bits per sample: 8, 10 or 12.

    Returns:
        (B, C, N, M) whole numbers from 0 to 2^depth - 1, int32.
    """
    span = torch.where(hi > lo, hi - lo, torch.ones_like(hi))[:, None, None, None]
    unit = (v_hat.float() - lo[:, None, None, None]) / span
    return torch.round(unit.clamp(0, 1) * (2**depth - 1)).int()
