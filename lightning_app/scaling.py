"""Between which two values the features of a tensor are quantised.

`minmax` is the paper's: between their minimum and maximum. Outliers then make the steps of all other values wide, so
the two others cut them off:

- `zscore`: within `SIGMAS` standard deviations of the mean.
- `clip`: within the range that makes the squared error smallest, of cut-off values and of rounded ones together. That
  error is the measure of R. A. Cohen, H. Choi and I. V. Bajić, "Lightweight compression of intermediate neural network
  features for collaborative intelligence", IEEE OJCAS 2021, section III. They find the range from the mean and the
  variance, by a model of the input of a leaky ReLU. Ours is found from the features themselves: it holds whatever layer
  made them, and no model's range has a smaller error.

No range is wider than from the minimum to the maximum.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import torch
from torch import Tensor

Scaling: TypeAlias = Literal["minmax", "zscore", "clip"]
SIGMAS = 4.0
_HALVINGS = 40
"""Of the interval in which the width of the best range lies: float32 cannot tell it more exactly."""


def feature_range(v: Tensor, scaling: Scaling, levels: int, zero_min: bool = False) -> tuple[Tensor, Tensor]:
    """The lowest and the highest value, (B,) each, that keep their place when features are quantised.

    Args:
        v: (B, C, N, M) features, float32.
        scaling: how the range is chosen.
        levels: to which the features are rounded, 2 or more.
        zero_min: the lower end is 0.
    """
    flat = v.flatten(1)  # (B, C·N·M)
    lo, hi = flat.amin(dim=1), flat.amax(dim=1)
    if scaling != "minmax":
        low, high = _deviations(flat) if scaling == "zscore" else _least_error(flat, levels, zero_min)
        lo, hi = torch.maximum(lo, low), torch.minimum(hi, high)
    return (torch.zeros_like(lo) if zero_min else lo), hi


def scaling_name(scaling: Scaling, levels: int | None) -> str:
    """A scaling as ``points.csv`` has it: ``minmax``, ``clip``, ``clip/4`` for 4 levels."""
    return scaling if levels is None else f"{scaling}/{levels}"


def _deviations(flat: Tensor) -> tuple[Tensor, Tensor]:
    mean, deviation = flat.mean(dim=1), flat.std(dim=1, correction=0)
    return mean - SIGMAS * deviation, mean + SIGMAS * deviation


def _least_error(flat: Tensor, levels: int, zero_min: bool) -> tuple[Tensor, Tensor]:
    """The ends at which moving either one further out costs as much as it saves.

    A range of the width r in L levels adds r² / 12 (L - 1)² to the squared error. Values beyond an end add the square
    of their excess. So the sum is smallest where the mean excess beyond either end is r / 12 (L - 1)².
    """
    ordered = flat.double().sort(dim=1).values  # (B, n)
    count = ordered.shape[1]
    rank, sums = torch.arange(count, device=flat.device), ordered.cumsum(dim=1)
    below = ((rank + 1) * ordered - sums) / count  # mean excess of the values below each one: ascending
    above = (sums[:, -1:] - sums - (count - 1 - rank) * ordered) / count  # descending

    def ends(width: Tensor) -> tuple[Tensor, Tensor]:
        excess = width / (12 * (levels - 1) ** 2)
        high = _interpolated(excess, above.flip(1), ordered.flip(1))
        return (torch.zeros_like(high) if zero_min else _interpolated(excess, below, ordered)), high

    narrow, wide = torch.zeros_like(sums[:, 0]), ordered[:, -1] - ordered[:, 0].clamp(max=0)  # (B,), (B,)
    for _ in range(_HALVINGS):  # the ends come nearer as the width that they pay for grows
        width = (narrow + wide) / 2
        low, high = ends(width)
        short = high - low > width
        narrow, wide = torch.where(short, width, narrow), torch.where(short, wide, width)
    low, high = ends(wide)
    return low.float(), high.float()


def _interpolated(x: Tensor, xs: Tensor, ys: Tensor) -> Tensor:
    """The value (B,) at each x of a line through points: xs (B, n), ascending, and ys (B, n)."""
    right = torch.searchsorted(xs, x[:, None]).clamp(1, xs.shape[1] - 1) if xs.shape[1] > 1 else xs.new_zeros(len(x), 1)
    right = right.long()
    left = (right - 1).clamp(min=0)
    x0, x1, y0, y1 = (points.gather(1, at)[:, 0] for points in (xs, ys) for at in (left, right))
    share = ((x - x0) / torch.where(x1 > x0, x1 - x0, torch.ones_like(x))).clamp(0, 1)
    return y0 + share * (y1 - y0)
