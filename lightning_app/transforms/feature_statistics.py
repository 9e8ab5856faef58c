"""What training images tell of a tensor: how its channels vary together, and what the heads are sensitive to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

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


class FeatureStatistics:
    """Of one tensor over all positions of all images: the channels' moments, and the sensitivity of the heads.

    Args:
        channels: C.
    """

    def __init__(self, channels: int) -> None:
        self.positions = 0
        self.sum = torch.zeros(channels, dtype=torch.float64)
        self.products, self.curvature = (torch.zeros(channels, channels, dtype=torch.float64) for _ in range(2))

    @property
    def mean(self) -> Tensor:
        """(C,) of each channel."""
        return self.sum / self.positions

    @property
    def covariance(self) -> Tensor:
        """(C, C) of the channels."""
        return self.products / self.positions - self.mean.outer(self.mean)

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

    def sensitivity(self) -> Tensor | None:
        """(C,) how much a squared error in each channel moves the heads; None where nothing moves them."""
        if self.curvature.trace() <= 0:
            return None
        values = self.curvature.diagonal()
        return values.clamp(min=LEAST * values.mean())

    def stretch(self, power: float) -> tuple[Tensor, Tensor]:
        """A symmetric matrix (C, C) of determinant 1 that is H to half the power, and its inverse."""
        if not power or self.curvature.trace() <= 0:  # nothing that the features do moves the heads
            return (torch.eye(len(self.sum), dtype=torch.float64),) * 2
        values, vectors = torch.linalg.eigh((self.curvature + self.curvature.T) / 2)
        factors = stretch_factors(values.clamp(min=LEAST * values.mean()), power)
        return vectors * factors @ vectors.T, vectors / factors @ vectors.T


def gather_statistics(
    channels: Sequence[int], examples: Iterable[FeatureBatch], probed: bool
) -> list[FeatureStatistics]:
    """The statistics of each tensor that is sent, in float64.

    Args:
        channels: C of each tensor.
        examples: batches of features.
        probed: whether the sensitivity is needed, too.

    Raises:
        OptionError: the detector does not say how its heads are compared, and the sensitivity is needed.
    """
    statistics = [FeatureStatistics(c) for c in channels]
    for batch in examples:
        for one, v in zip(statistics, batch.features.values(), strict=True):
            one.add(v)
        for probe in range(PROBES if probed else 0):
            _probe(statistics, batch, probe)
    return statistics


def stretch_factors(values: Tensor, power: float) -> Tensor:
    """Positive values (n,) to half the power, times what makes their product 1."""
    logs = values.log()
    return (power / 2 * (logs - logs.mean())).exp()


def by_channel(v: Tensor) -> Tensor:
    """(B, C, N, M) -> (C, B·N·M) in float64, on the CPU."""
    return v.detach().transpose(0, 1).flatten(1).double().cpu()


def _probe(statistics: Iterable[FeatureStatistics], batch: FeatureBatch, probe: int) -> None:
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
            raise OptionError(f"{error}; to do without it set the transform's sensitivity to 0") from error
        gradients = torch.autograd.grad(loss, list(disturbed.values()))
    for one, gradient, noise in zip(statistics, gradients, noises, strict=True):
        one.add_probe(gradient, noise)
