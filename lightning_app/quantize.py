"""The Q-layer and its inverse: Eq. (2) and (3) of the paper."""

from __future__ import annotations

import torch
from torch import Tensor

from lightning_app.codecs.base import check_depth
from lightning_app.errors import FeatureError
from lightning_app.scaling import Scaling, feature_range


def quantize(
    v: Tensor, depth: int, zero_min: bool = False, scaling: Scaling = "minmax", levels: int | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Quantise each tensor of a batch within a range of its own, in float32.

    Args:
        v: (B, C, N, M) features, finite.
        depth: n_bit, the bits per sample: 8, 10 or 12.
        zero_min: the minimum is taken to be 0, as behind a ReLU, and need not be sent.
        scaling: how the range is chosen; values beyond it become its ends.
        levels: 2 to 2^depth, for fewer than the depth has room for: q is then below this number.

    Returns:
        q (B, C, N, M), uint8 at 8 bits and uint16 above; lo and hi (B,) float32, of which `dequantize` makes the
        features again: the minimum and maximum, or the range that was chosen. With ``levels``, hi is what the largest
        number of the depth would stand for. A constant tensor gives zeros, which `dequantize` turns into the constant.

    Raises:
        FeatureError: a value is NaN or infinite, or the range of a tensor overflows float32; or a value is negative
            where ``zero_min`` says that none is.
    """
    check_depth(depth)
    v = v.detach().float()
    largest = (levels or 2**depth) - 1
    if zero_min and bool((v < 0).any()):
        raise FeatureError("features are negative, so zero_min would change them; set zero_min: false")
    lo, hi = feature_range(v, scaling, largest + 1, zero_min)  # (B,), (B,)
    span = hi - lo
    if not bool(torch.isfinite(span).all()):
        raise FeatureError("features are NaN, infinite, or too large to quantise; was the learning rate too high?")
    unit = (v - _per_tensor(lo)).div_(_per_tensor(torch.where(span > 0, span, torch.ones_like(span))))
    q = unit.mul_(largest).round_()  # Eq. (2)
    if scaling != "minmax":
        q = q.clamp_(0, largest)
    if levels is not None:
        hi = lo + span * ((2**depth - 1) / largest)
    return q.to(torch.uint8 if depth == 8 else torch.uint16), lo, hi


def dequantize(q: Tensor, lo: Tensor, hi: Tensor, depth: int) -> Tensor:
    """The inverse of `quantize`, to within half a step.

    Args:
        q: (B, C, N, M) whole numbers from 0 to 2^depth - 1.
        lo: (B,) minimum of each tensor.
        hi: (B,) maximum of each tensor.
        depth: n_bit, the bits per sample: 8, 10 or 12.

    Returns:
        (B, C, N, M) float32.
    """
    check_depth(depth)
    unit = q.to(torch.float32, copy=True).div_(2**depth - 1)
    return unit.mul_(_per_tensor(hi - lo)).add_(_per_tensor(lo))  # Eq. (3)


def _per_tensor(x: Tensor) -> Tensor:
    """(B,) -> (B, 1, 1, 1)."""
    return x[:, None, None, None]
