"""Batch norm whose input is not kept for the gradient: it is computed again, and then holds the gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

EXACT = (torch.float32, torch.float64)
"""Types in which a gradient may be summed in place."""


def norm_again(x: Tensor, norm: nn.BatchNorm2d, compute: Callable[[], Tensor]) -> Tensor:
    """What a batch norm in training gives, to the same bits, and the same gradient.

    Args:
        x: (B, C, N, M).
        norm: the batch norm; its running values are updated.
        compute: gives ``x`` once more, with the autocast of now.

    Returns:
        (B, C, N, M).
    """
    assert norm.num_batches_tracked is not None
    norm.num_batches_tracked.add_(1)
    device = x.device.type
    autocast = torch.autocast(device, torch.get_autocast_dtype(device), torch.is_autocast_enabled(device), False)
    given: Tensor = _BatchNorm.apply(x, norm.weight, norm.bias, norm, compute, autocast)  # type: ignore[no-untyped-call]
    return given


class _BatchNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, norm: Any, compute: Any, autocast: Any) -> Tensor:
        running = (norm.running_mean, norm.running_var)
        given, mean, inverse = torch.native_batch_norm(x, weight, bias, *running, True, norm.momentum, norm.eps)
        ctx.save_for_backward(weight, mean, inverse)
        ctx.compute, ctx.autocast, ctx.eps = compute, autocast, norm.eps
        return given

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        weight, mean, inverse = ctx.saved_tensors
        with torch.no_grad(), ctx.autocast:
            x = ctx.compute()
        in_place = x.dtype in EXACT
        values = (gradient, x, weight, None, None, mean, inverse, True, ctx.eps)
        of_x, of_weight, of_bias = torch.ops.aten.native_batch_norm_backward(*values, [not in_place, True, True])
        if in_place:
            of_x = _overwrite(x, gradient, weight, mean, inverse, of_weight, of_bias)
        return of_x, of_weight, of_bias, None, None, None


def _overwrite(
    x: Tensor, gradient: Tensor, weight: Tensor, mean: Tensor, inverse: Tensor, of_weight: Tensor, of_bias: Tensor
) -> Tensor:
    """The gradient of the input, γ·σ⁻¹·(g − Σg/n − x̂·Σ(g·x̂)/n) with x̂ = (x − μ)·σ⁻¹, in the place of ``x``."""
    number = x.numel() / len(mean)
    scale = weight * inverse  # (C,)
    slope = -scale * inverse * of_weight / number  # of x
    shift = -scale * of_bias / number - slope * mean
    scale, slope, shift = (values[:, None, None] for values in (scale, slope, shift))  # (C, 1, 1)
    return torch.addcmul(shift, x, slope, out=x).addcmul_(gradient, scale)
