"""Between features and what a codec takes: quantised and tiled on the mobile side, and back on the cloud's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, cast

import numpy as np
import torch
from torch import Tensor

from lightning_app.codecs.base import FLOAT, Picture
from lightning_app.errors import CodecError, FeatureError
from lightning_app.quantize import dequantize, quantize
from lightning_app.scaling import Scaling
from lightning_app.tiling import Layout, picture_shape, tile, untile


class QuantisedTensor(NamedTuple):
    """One tensor of B images: q (B, C, N, M) whole numbers, or float32 at 32 bits; lo and hi (B,) its range."""

    q: Tensor
    lo: Tensor
    hi: Tensor


def to_samples(
    v: Tensor, depth: int, zero_min: bool, scaling: Scaling = "minmax", levels: int | None = None
) -> QuantisedTensor:
    """Features (B, C, N, M) as a codec's samples: quantised as `quantize` does, or at 32 bits as they are.

    Raises:
        FeatureError: they are not finite, or cannot be quantised.
    """
    if depth == FLOAT:
        if not bool(torch.isfinite(v).all()):
            raise FeatureError("features are NaN or infinite; was the learning rate too high?")
        unused = v.new_zeros(len(v), dtype=torch.float32)
        return QuantisedTensor(v.detach().float(), unused, unused)
    return QuantisedTensor(*quantize(v, depth, zero_min, scaling, levels))


def to_features(samples: QuantisedTensor, depth: int) -> Tensor:
    """The inverse of `to_samples`, to within half a step: (B, C, N, M) float32."""
    return samples.q if depth == FLOAT else dequantize(*samples, depth)


def to_pictures(q: Tensor, layout: Layout, group: int, min_side: int) -> list[Picture]:
    """Samples (B, C, N, M) -> B pictures, (H, W) or (F, H, W), padded to at least ``min_side`` pixels a side."""
    return [_padded(picture, min_side) for picture in tile(q, layout, group).cpu().numpy()]


def to_tensor(pictures: Sequence[Picture], shape: tuple[int, int, int], layout: Layout, group: int) -> Tensor:
    """The inverse of `to_pictures`: B decoded pictures -> samples (B, C, N, M).

    Args:
        pictures: of one tensor that crosses, padding included.
        shape: C, N, M.
        layout: of the channels.
        group: channels a frame.

    Raises:
        CodecError: a picture is too small for the shape, or has samples that are not finite.
    """
    wanted = picture_shape(shape, layout, group)
    for picture in pictures:
        if picture.ndim != len(wanted) or any(s < w for s, w in zip(picture.shape, wanted, strict=True)):
            raise CodecError(f"a picture of {picture.shape} samples came where {wanted} were sent")
        if picture.dtype == np.float32 and not np.isfinite(picture).all():
            raise CodecError("a picture of float32 samples came of which some are NaN or infinite")
    cut = tuple(slice(side) for side in wanted)
    return untile(torch.from_numpy(np.stack([picture[cut] for picture in pictures])), shape, layout, group)


def _padded(picture: Picture, side: int) -> Picture:
    """The edge is repeated, which costs next to no bits."""
    missing = [(0, 0)] * (picture.ndim - 2) + [(0, max(0, side - length)) for length in picture.shape[-2:]]
    return cast(Picture, np.pad(picture, missing, mode="edge"))
