"""Principal components of the channels over training images, stretched by what the heads are sensitive to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from lightning_app.errors import OptionError
from lightning_app.transforms.examples import FeatureBatch

PROBES = 4
"""How often the features of each batch are disturbed, to see what the heads are sensitive to."""
DISTURBANCE = 0.15
"""Standard deviation of the noise, as a share of that of the features."""
LEAST = 0.05
"""Least sensitivity of any direction, as a share of their mean: the smallest ones are drowned in the probes' noise."""


class Components(NamedTuple):
    """Of one tensor's features v (C,) at a position: y = W (v - m) and v = V y + m.

    Attributes:
        weight: W (C, C), the component of the largest variance first.
        inverse: V (C, C).
        mean: m (C,).
    """

    weight: Tensor
    inverse: Tensor
    mean: Tensor


def check_sensitivity(sensitivity: float) -> float:
    """Return `sensitivity` if it is from 0 to 1.

    Raises:
        OptionError: it is not.
    """
    if not 0 <= sensitivity <= 1:
        raise OptionError(f"sensitivity must be from 0 to 1, not {sensitivity}")
    return sensitivity


def find_components(channels: Sequence[int], examples: Iterable[FeatureBatch], sensitivity: float) -> list[Components]:
    """The components of each tensor that crosses, in float64.

    Args:
        channels: C of each tensor.
        examples: batches of features.
        sensitivity: how much the features are stretched before: 0 for not at all; 1 so that a small error costs the
            same in every direction.

    Raises:
        OptionError: the detector does not say how its heads are compared, and the sensitivity is not 0.
    """
    statistics = [_Statistics(c) for c in channels]
    for batch in examples:
        for one, v in zip(statistics, batch.features.values(), strict=True):
            one.add(v)
        for probe in range(PROBES if sensitivity else 0):
            _probe(statistics, batch, probe)
    return [one.components(sensitivity) for one in statistics]


class _Statistics:
    """Of one tensor over all positions of all images: the channels' moments, and what the heads are sensitive to.

    Args:
        channels: C.
    """

    def __init__(self, channels: int) -> None:
        self.positions = 0
        self.sum = torch.zeros(channels, dtype=torch.float64)
        self.products, self.curvature = (torch.zeros(channels, channels, dtype=torch.float64) for _ in range(2))

    def add(self, v: Tensor) -> None:
        """Count features (B, C, N, M)."""
        samples = by_channel(v)
        self.positions += samples.shape[1]
        self.sum += samples.sum(dim=1)
        self.products += samples @ samples.T

    def add_probe(self, gradient: Tensor, noise: Tensor) -> None:
        """Count the gradient that some noise brought, both (B, C, N, M).

        The gradient is H times the noise where the loss is quadratic; so its products with the noise are, on average,
        H's blocks on the diagonal, times the noise's variance (Bekas, Kokiopoulou and Saad, "An estimator for the
        diagonal of a matrix", 2007).
        """
        variance = noise.double().square().mean().cpu()
        if variance > 0:  # else the features are constant
            self.curvature += by_channel(gradient) @ by_channel(noise).T / variance

    def components(self, sensitivity: float) -> Components:
        """In float64."""
        mean = self.sum / self.positions
        covariance = self.products / self.positions - mean.outer(mean)
        stretch, shrink = self._stretch(sensitivity)
        _, vectors = torch.linalg.eigh(stretch @ covariance @ stretch)
        vectors = vectors.flip(1)  # the largest first
        return Components(vectors.T @ stretch, shrink @ vectors, mean)

    def _stretch(self, sensitivity: float) -> tuple[Tensor, Tensor]:
        """A symmetric matrix (C, C) of determinant 1, and its inverse."""
        if not sensitivity or self.curvature.trace() <= 0:  # nothing that the features do moves the heads
            return (torch.eye(len(self.sum), dtype=torch.float64),) * 2
        values, vectors = torch.linalg.eigh((self.curvature + self.curvature.T) / 2)
        logs = values.clamp(min=LEAST * values.mean()).log()
        factors = (sensitivity / 2 * (logs - logs.mean())).exp()
        return vectors * factors @ vectors.T, vectors / factors @ vectors.T


def by_channel(v: Tensor) -> Tensor:
    """(B, C, N, M) -> (C, B·N·M) in float64, on the CPU."""
    return v.detach().transpose(0, 1).flatten(1).double().cpu()


def _probe(statistics: Iterable[_Statistics], batch: FeatureBatch, probe: int) -> None:
    """Disturb the features of a batch, and count the gradients."""
    generator = torch.Generator().manual_seed(probe)
    noises = [DISTURBANCE * v.std() * torch.randn(v.shape, generator=generator).to(v) for v in batch.features.values()]
    disturbed = {
        name: (v + noise).requires_grad_() for (name, v), noise in zip(batch.features.items(), noises, strict=True)
    }
    with torch.enable_grad():
        try:
            loss = batch.loss(disturbed)
        except OptionError as error:  # the detector has no `imitation`
            raise OptionError(f"{error}; for a KLT without it set the KLT's sensitivity to 0") from error
        gradients = torch.autograd.grad(loss, list(disturbed.values()))
    for one, gradient, noise in zip(statistics, gradients, noises, strict=True):
        one.add_probe(gradient, noise)
