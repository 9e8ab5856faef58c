"""The Karhunen–Loève transform of the channels: what the channels have in common is sent once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lightning_app.graph import Shape
from lightning_app.transforms.components import check_sensitivity, find_components
from lightning_app.transforms.examples import FeatureBatch
from lightning_app.transforms.found import FoundTransform


class KLT(FoundTransform):
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

    def __init__(self, sensitivity: float = 0.5) -> None:
        super().__init__()
        self.sensitivity = check_sensitivity(sensitivity)

    def __str__(self) -> str:
        """Its name, with the setting."""
        return f"KLT({self.sensitivity:g})"

    def build(self, shapes: Mapping[str, Shape]) -> None:
        """One transform for each tensor that is sent."""
        super().build(shapes)
        self.mixtures = nn.ModuleList(_Mixture(c) for c, _, _ in shapes.values())

    def find(self, examples: Iterable[FeatureBatch], channels: list[int]) -> None:
        """Find the components."""
        found = find_components(channels, examples, self.sensitivity)
        for mixture, components in zip(self._mixtures(), found, strict=True):
            mixture.set(*components)

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
