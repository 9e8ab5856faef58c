"""A small correction in the cloud that knows how coarsely the features were coded."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from lightning_app.graph import Shape
from lightning_app.transforms.transform import FeatureTransform

COARSE = 2 ** (43 / 6) / 256
"""HEVC's step at QP 47, as a share of the range of a sample: the unit of the steps."""
SPEED = 10.0
"""How much faster than a kernel a factor or an offset learns; Adam's steps do not depend on the size of a gradient."""


class ChannelAffine(FeatureTransform):
    """Scales and shifts each decoded channel by what it has learned for the codec's step; without a loss, by nothing.

    Coarse coding takes contrast from some channels and moves the mean of others. The factor of a channel is
    1 + a·√s + b·s and its offset c·√s + d·s, where s is the step in units of `COARSE`: at lossless coding the features
    stay as they are. Modulation of channels by a condition: Perez et al., "FiLM", AAAI 2018; by the rate of a codec:
    Cui et al., "Asymmetric gained deep image compression", CVPR 2021. On the mobile side nothing changes.
    """

    def build(self, shapes: Mapping[str, Shape]) -> None:
        """Begin with no change: all numbers are 0."""
        self.factors = nn.ParameterList(torch.zeros(2, c) for c, _, _ in shapes.values())
        self.offsets = nn.ParameterList(torch.zeros(2, c) for c, _, _ in shapes.values())

    def reduce(self, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The features (B, C, N, M) as they are."""
        return dict(features)

    def restore(self, features: Mapping[str, Tensor], steps: Tensor) -> dict[str, Tensor]:
        """Decoded (B, C, N, M) -> corrected (B, C, N, M), by the codec's steps (B,)."""
        coarseness = steps / COARSE  # (B,)
        basis = SPEED * torch.stack((coarseness.sqrt(), coarseness), dim=1)  # (B, 2)
        learned = zip(features.items(), self.factors, self.offsets, strict=True)
        return {name: v * _spread(1 + basis @ a) + _spread(basis @ b) for (name, v), a, b in learned}


def _spread(x: Tensor) -> Tensor:
    """(B, C) -> (B, C, 1, 1)."""
    return x[:, :, None, None]
