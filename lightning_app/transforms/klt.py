"""The Karhunen–Loève transform of the channels: what the channels have in common is sent once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lightning_app.errors import OptionError
from lightning_app.graph import Shape
from lightning_app.transforms.examples import FeatureBatch
from lightning_app.transforms.transform import FeatureTransform

PROBES = 4
"""How often the features of each batch are disturbed, to see what the heads are sensitive to."""
DISTURBANCE = 0.15
"""Standard deviation of the noise, as a share of that of the features."""
LEAST = 0.05
"""Least sensitivity of any direction, as a share of their mean: the smallest ones are drowned in the probes' noise."""


class KLT(FeatureTransform):
    """Sends principal components of the channels instead of the channels, each a linear combination of all.

    HEVC finds what neighbouring samples have in common, but not what channels have in common. The components are those
    of the covariance of the channels over the training images, the largest first. Before, the features are stretched in
    the directions to which the heads are sensitive, so that the codec's error becomes smaller there. For the plain
    transform see Jayant and Noll, "Digital Coding of Waveforms", 1984, Chapter 12.

    The components are found on the features of training images, before the first step, and stay as they are: the front
    and the back learn to use them. Before that the transform changes nothing.

    Args:
        sensitivity: how much the features are stretched: 0 for not at all, the plain transform; 1 so that a small error
            costs the same in every direction.
    """

    initialised: Tensor

    def __init__(self, sensitivity: float = 0.5) -> None:
        super().__init__()
        if not 0 <= sensitivity <= 1:
            raise OptionError(f"sensitivity must be from 0 to 1, not {sensitivity}")
        self.sensitivity = sensitivity

    def __str__(self) -> str:
        """Its name, with the setting."""
        return f"KLT({self.sensitivity:g})"

    def build(self, shapes: Mapping[str, Shape]) -> None:
        """One transform for each tensor that crosses."""
        self.mixtures = nn.ModuleList(_Mixture(c) for c, _, _ in shapes.values())
        self.register_buffer("initialised", torch.tensor(False))

    def initialise(self, examples: Iterable[FeatureBatch]) -> None:
        """Find the components, unless a checkpoint has brought them."""
        if bool(self.initialised):
            return
        assert self.shapes is not None
        statistics = [_Statistics(c) for c, _, _ in self.shapes.values()]
        for batch in examples:
            for one, v in zip(statistics, batch.features.values(), strict=True):
                one.add(v)
            for probe in range(PROBES if self.sensitivity else 0):
                _probe(statistics, batch, probe)
        for mixture, one in zip(self._mixtures(), statistics, strict=True):
            mixture.set(*one.components(self.sensitivity))
        self.initialised.fill_(True)

    def reduce(self, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """(B, C, N, M) -> components of the same shape."""
        return {name: mixture.forward(v) for (name, v), mixture in zip(features.items(), self._mixtures(), strict=True)}

    def restore(self, features: Mapping[str, Tensor], steps: Tensor) -> dict[str, Tensor]:  # noqa: ARG002
        """Components -> features of the same shape."""
        return {name: mixture.invert(v) for (name, v), mixture in zip(features.items(), self._mixtures(), strict=True)}

    def _mixtures(self) -> list[_Mixture]:
        return list(self.mixtures)  # type: ignore[arg-type]


class _Mixture(nn.Module):
    """Of one tensor: y = W (v - m), and v = V y + m.

    Args:
        channels: C.
    """

    weight: Tensor
    inverse: Tensor
    mean: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("weight", torch.eye(channels))
        self.register_buffer("inverse", torch.eye(channels))
        self.register_buffer("mean", torch.zeros(channels))

    def set(self, weight: Tensor, inverse: Tensor, mean: Tensor) -> None:
        """Replace W and V (C, C), and m (C,)."""
        for buffer, value in ((self.weight, weight), (self.inverse, inverse), (self.mean, mean)):
            buffer.copy_(value)

    def forward(self, v: Tensor) -> Tensor:
        """(B, C, N, M) -> the same shape."""
        return F.conv2d(v, self.weight[:, :, None, None], -self.weight @ self.mean)

    def invert(self, y: Tensor) -> Tensor:
        """(B, C, N, M) -> the same shape."""
        return F.conv2d(y, self.inverse[:, :, None, None], self.mean)


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

    def components(self, sensitivity: float) -> tuple[Tensor, Tensor, Tensor]:
        """W (C, C), its inverse, and m (C,), in float64."""
        mean = self.sum / self.positions
        covariance = self.products / self.positions - mean.outer(mean)
        stretch, shrink = self._stretch(sensitivity)
        _, vectors = torch.linalg.eigh(stretch @ covariance @ stretch)
        vectors = vectors.flip(1)  # the largest first
        return vectors.T @ stretch, shrink @ vectors, mean

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
