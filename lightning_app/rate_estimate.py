"""How many bits HEVC's intra coding will about take for features, as a function that has a gradient.

The features are scaled as by Eq. (2) but not rounded, laid out as the codec gets them, and transformed by the DCT of
8×8 blocks. A coefficient c counts log2(1 + (2 |c| / step)³) / 3, with the codec's step at the QP: next to nothing in
the quantiser's dead zone, and a bit more for every doubling above it. The mean of a block counts as the difference
from that of the block on its left, since HEVC predicts it. The idea of a rate term in the loss: Alvar and Bajić,
"Multi-task learning with compressible features for collaborative intelligence", ICIP 2019. How well the estimate
follows HEVC's real bits: docs/evidence/recipe.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from lightning_app.codecs import QP
from lightning_app.scaling import feature_range
from lightning_app.tiling import tile
from lightning_app.wire import WireFormat

BLOCK = 8
"""Side of a block of the transform, in samples."""


def estimate_bits(sent: Mapping[str, Tensor], qps: Sequence[int | Literal["lossless"]], wire: WireFormat) -> Tensor:
    """About the bits that each image costs, up to one factor for all.

    Args:
        sent: (B, C, N, M) of each tensor, as it comes to the quantiser.
        qps: B quantisation parameters, one per image.
        wire: how it is sent.

    Returns:
        (B,) with a gradient to ``sent``; the range of each tensor has none.
    """
    step = [sample_step(wire, None if qp == "lossless" else qp) for qp in qps]
    steps = next(iter(sent.values())).new_tensor(step)  # (B,)
    return torch.stack([_bits(tensor, steps, wire) for tensor in sent.values()]).sum(dim=0)


def sample_step(wire: WireFormat, qp: QP) -> float:
    """The codec's step in samples, at least 1: finer steps cost as many bits as lossless coding."""
    return max(1.0, wire.codec.step(qp) * float(2**wire.depth))


def _bits(v: Tensor, steps: Tensor, wire: WireFormat) -> Tensor:
    v = v.float()
    with torch.no_grad():  # else a single outlier would make all other samples cheap
        levels = wire.levels or 2**wire.depth
        lo, hi = feature_range(v, wire.scaling, levels, wire.zero_min)  # (B,), (B,)
        span = hi - lo
        scale = (levels - 1) / torch.where(span > 0, span, torch.ones_like(span))
    inside = v if wire.scaling == "minmax" else v.clamp(lo[:, None, None, None], hi[:, None, None, None])
    samples = (inside - lo[:, None, None, None]) * scale[:, None, None, None]  # Eq. (2), not rounded
    pictures = tile(samples, wire.layout, wire.group)  # (B, H, W), or (B, F, H, W)
    pictures = pictures.reshape(len(v), -1, *pictures.shape[-2:])  # (B, F, H, W)
    levels = (_predicted(_transformed(pictures)) / steps[:, None, None, None, None, None]).abs()
    return torch.log2(1 + (2 * levels) ** 3).flatten(1).sum(dim=1) / 3


def _transformed(pictures: Tensor) -> Tensor:
    """(B, F, H, W) -> the DCT of every block, (B, F, rows, columns, 8, 8)."""
    height, width = pictures.shape[-2:]
    padded = F.pad(pictures, (0, -width % BLOCK, 0, -height % BLOCK), mode="replicate")
    b, f, rows, columns = padded.shape
    blocks = padded.reshape(b, f, rows // BLOCK, BLOCK, columns // BLOCK, BLOCK)
    basis = _basis().to(pictures)
    return torch.einsum("ki,bfrics,ls->bfrckl", basis, blocks, basis)


def _predicted(blocks: Tensor) -> Tensor:
    """The blocks with the first coefficient of each less that of the block on its left."""
    first = blocks[..., :1, :1]  # (B, F, rows, columns, 1, 1)
    left = F.pad(first[:, :, :, :-1], (0, 0, 0, 0, 1, 0))
    return torch.cat((torch.cat((first - left, blocks[..., :1, 1:]), dim=-1), blocks[..., 1:, :]), dim=-2)


@cache
def _basis() -> Tensor:
    """(8, 8) of the DCT, orthonormal: frequencies down, samples across."""
    frequency, sample = torch.meshgrid(torch.arange(BLOCK), torch.arange(BLOCK), indexing="ij")
    basis = torch.cos(math.pi * (2 * sample + 1) * frequency / (2 * BLOCK)) * math.sqrt(2 / BLOCK)
    basis[0] = math.sqrt(1 / BLOCK)
    return basis
