"""A small correction network behind the decoder that knows how coarsely the features were coded."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lightning_app.errors import OptionError
from lightning_app.graph import Shape
from lightning_app.transforms.transform import FeatureTransform

COARSE = 2 ** (43 / 6) / 256
"""HEVC's step at QP 47, as a share of the range of a sample: the unit of the steps."""
NUMBERS, KERNELS = 10.0, 5.0
"""How much faster these learn than the network, which is trained already: they are used times this factor (equalised
learning rate; Karras et al., "Progressive growing of GANs", ICLR 2018, Section 4.1)."""


class Correction(FeatureTransform):
    """Corrects decoded features in the cloud, by what it has learned for the codec's step; 0 changes nothing.

    With s the step in units of `COARSE`, each channel is multiplied by 1 + a·√s + b·s and moved by c·√s + d·s (Perez et
    al., "FiLM", AAAI 2018); then √s times what two 3×3 convolutions make of all channels is added. It starts as no
    change, and on the mobile side it is none.

    Args:
        width: channels between the two convolutions, at least 1.
    """

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        if width < 1:
            raise OptionError(
                f"width must be at least 1, not {width}: it is the number of channels between the convolutions"
            )
        self.width = width

    def __str__(self) -> str:
        """Its name, with the width."""
        return f"Correction({self.width})"

    def build(self, shapes: Mapping[str, Shape]) -> None:
        """One correction for each tensor that is sent."""
        self.corrections = nn.ModuleList(_Correction(c, self.width) for c, _, _ in shapes.values())

    def reduce(self, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The features (B, C, N, M) as they are."""
        return dict(features)

    def restore(self, features: Mapping[str, Tensor], steps: Tensor) -> dict[str, Tensor]:
        """Decoded (B, C, N, M) -> corrected (B, C, N, M), by the codec's steps (B,)."""
        both = zip(features.items(), self.corrections, strict=True)
        return {name: correction(v, steps / COARSE) for (name, v), correction in both}


class _Correction(nn.Module):
    """Of one tensor.

    Args:
        channels: C.
        width: channels between the two convolutions.
    """

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.factors, self.offsets = (nn.Parameter(torch.zeros(2, channels)) for _ in range(2))
        self.enter, self.leave = (nn.Conv2d(*c, 3, padding=1) for c in ((channels, width), (width, channels)))
        with torch.no_grad():
            for parameter in self.enter.parameters():
                parameter.div_(KERNELS)
            for parameter in self.leave.parameters():
                parameter.zero_()

    def forward(self, v: Tensor, coarseness: Tensor) -> Tensor:
        """(B, C, N, M) and s (B,) -> (B, C, N, M)."""
        root = coarseness.sqrt()
        basis = NUMBERS * torch.stack((root, coarseness), dim=1)  # (B, 2)
        v = v * _spread(1 + basis @ self.factors) + _spread(basis @ self.offsets)
        hidden = F.leaky_relu(convolve_faster(self.enter, v), 0.1)
        return v + _spread(root[:, None]) * convolve_faster(self.leave, hidden)


def convolve_faster(layer: nn.Conv2d, x: Tensor) -> Tensor:
    """(B, C, N, M) -> (B, C', N, M), by a 3×3 convolution that learns `KERNELS` times faster."""
    assert layer.bias is not None
    return F.conv2d(x, KERNELS * layer.weight, KERNELS * layer.bias, padding=1)


def _spread(x: Tensor) -> Tensor:
    """(B, C) -> (B, C, 1, 1)."""
    return x[:, :, None, None]
