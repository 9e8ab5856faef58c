"""How the gradient passes the codec, which has none of its own.

=====================  ===========================================================================================
``straight_through``   the gradient of the decoded features is handed to the features unchanged: both sides train,
                       the front as if the codec were not there, on what the back makes of coded features
                       (Bengio et al. 2013); what the paper's training amounts to
``stop``               nothing is handed on: the front keeps its weights and the back alone learns, so that devices
                       in the field need no new model
``noise``              in training nothing is coded: uniform noise of the quantiser's step stands for the quantiser
                       (Ballé et al. 2017): cheap, the exact gradient of a noisy network, and blind to QPs
``scaled``             straight through, times 1 - D / σ² for each tensor: D the mean squared coding error, σ² the
                       features' variance. It is the gain of the forward test channel of rate-distortion theory
                       (Berger 1971), by which a source of variance σ² reaches the decoder at distortion D: features
                       that the codec destroys move the front less
=====================  ===========================================================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

Gradient = Literal["straight_through", "stop", "noise", "scaled"]


def attach(v: Tensor, v_hat: Tensor, gradient: Gradient) -> Tensor:
    """The decoded features, to the last bit, with the gradient of the estimator.

    Args:
        v: (B, C, N, M) the features.
        v_hat: (B, C, N, M) what was decoded.
        gradient: the estimator; ``noise`` passes straight through where features are really coded.
    """
    if gradient == "stop":
        return v_hat
    scale = surviving_variance(v.detach(), v_hat) if gradient == "scaled" else None
    return _PassBack.apply(v, v_hat, scale)  # type: ignore[no-any-return, no-untyped-call]


def surviving_variance(v: Tensor, v_hat: Tensor) -> Tensor:
    """(B,) 1 - D / σ² of each tensor of (B, C, N, M), from 0 to 1; 1 where nothing was lost."""
    v, v_hat = v.float().flatten(1), v_hat.flatten(1)
    error, variance = (v - v_hat).square().mean(dim=1), v.var(dim=1, unbiased=False)  # (B,), (B,)
    lost = torch.where(error > 0, error / variance.clamp(min=torch.finfo(torch.float32).tiny), error)
    return (1 - lost).clamp(min=0)


def add_uniform_noise(v: Tensor, step: Tensor, entropy: Sequence[Sequence[int]]) -> Tensor:
    """Features plus U(-½, ½) of the quantiser's step, drawn for each image from its own ``entropy`` alone.

    Args:
        v: (B, C, N, M).
        step: (B,) of the quantiser.
        entropy: B sequences of integers, at least 0.
    """
    noise = torch.stack([_uniform(v.shape[1:], words) for words in entropy]).to(v.device)  # (B, C, N, M)
    noisy: Tensor = v + step[:, None, None, None] * noise
    return noisy


def _uniform(shape: torch.Size, words: Sequence[int]) -> Tensor:
    draws = np.random.default_rng(list(words)).random(tuple(shape), dtype=np.float32)
    return torch.from_numpy(draws) - 0.5


class _PassBack(torch.autograd.Function):
    """Forward the decoded features; backward the gradient, unchanged or times ``scale`` (B,)."""

    @staticmethod
    def forward(ctx: Any, v: Tensor, v_hat: Tensor, scale: Tensor | None) -> Tensor:  # noqa: ARG004
        ctx.scale = scale
        return v_hat

    @staticmethod
    def backward(ctx: Any, *gradient: Tensor) -> tuple[Tensor, None, None]:
        if ctx.scale is None:
            return gradient[0], None, None
        return gradient[0] * ctx.scale[:, None, None, None], None, None
