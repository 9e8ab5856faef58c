"""Max pooling that keeps for its gradient where in each window the largest sample is, and nothing else.

PyTorch's own keeps the input, and for each sample of the output an index of eight bytes. The place within a window has
room in one byte, or in two.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

Pair = tuple[int, int]
"""Of rows and of columns."""

NARROW = (torch.uint8, torch.int16)
"""Types of a place, the smaller first."""


def max_pool(x: Tensor, size: int, stride: Pair) -> Tensor:
    """`F.max_pool2d`, to the same bits, forwards and backwards.

    Args:
        x: (B, C, N, M).
        size: side of the window in samples.
        stride: step in samples, down the rows and along the columns.

    Returns:
        (B, C, (N - size) // stride + 1, ...).
    """
    farthest = (size - 1) * (x.shape[-1] + 1)  # the last sample of a window, counted from its first along the rows
    kept = [kind for kind in NARROW if farthest <= torch.iinfo(kind).max]
    compiles = torch.compiler.is_compiling()  # torch's compiler keeps bytes by itself
    if compiles or not (kept and torch.is_grad_enabled() and x.requires_grad):
        return F.max_pool2d(x, size, stride)
    pooled: Tensor = _MaxPool.apply(x, size, stride, kept[0])  # type: ignore[no-untyped-call]
    return pooled


class _MaxPool(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, size: int, stride: Pair, kind: torch.dtype) -> Tensor:
        pooled, indices = F.max_pool2d(x, size, stride, return_indices=True)
        ctx.save_for_backward(indices.to(kind))  # the lowest bits of the index are enough to tell a window's samples
        ctx.shape, ctx.size, ctx.stride, ctx.layout = x.shape, size, stride, _layout(x)
        return pooled

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        (lowest,) = ctx.saved_tensors
        firsts = _firsts(ctx.shape[-1], lowest, ctx.stride)
        indices = (lowest - firsts.to(lowest.dtype)).long().add_(firsts)  # (B, C, N', M')
        like = torch.empty(ctx.shape, dtype=gradient.dtype, device=gradient.device, memory_format=ctx.layout)
        options = ([ctx.size, ctx.size], list(ctx.stride), [0, 0], [1, 1], False, indices)
        return torch.ops.aten.max_pool2d_with_indices_backward(gradient, like, *options), None, None, None


def _firsts(columns: int, places: Tensor, stride: Pair) -> Tensor:
    """The index of the first sample of each window (N', M') in an input of so many columns."""
    rows, steps = (
        torch.arange(length, device=places.device) * step
        for length, step in zip(places.shape[-2:], stride, strict=True)
    )
    return rows[:, None] * columns + steps


def _layout(x: Tensor) -> torch.memory_format:
    last = x.is_contiguous(memory_format=torch.channels_last)
    return torch.channels_last if last else torch.contiguous_format
