"""The layers of a Darknet network as small modules, each exactly Darknet's.

A layer takes one tensor, or several where it joins them, and returns one: (B, C, N, M) throughout.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {"leaky": lambda: nn.LeakyReLU(0.1), "linear": nn.Identity}
"""By Darknet's names (``src/activations.h``)."""


class Convolution(nn.Module):
    """``[convolutional]``: convolution, batch norm where asked, activation (``src/convolutional_layer.c``).

    With batch norm the bias is the batch norm's own. Momentum .01 and eps 1e-6 are Darknet's (on a CPU; its CUDA code
    has 1e-5, see docs/decisions/batch-norm-eps.md).

    Args:
        channels: of the input.
        filters: channels of the output.
        size: side of the kernel in samples.
        stride: step in samples.
        padding: samples of zeros on every side.
        groups: that the channels are split into.
        batch_normalize: with batch norm.
        activation: a key of `ACTIVATIONS`.
    """

    def __init__(
        self,
        channels: int,
        filters: int,
        size: int,
        stride: int = 1,
        padding: int = 0,
        groups: int = 1,
        batch_normalize: bool = False,
        activation: str = "linear",
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, filters, size, stride, padding, groups=groups, bias=not batch_normalize)
        self.norm = nn.BatchNorm2d(filters, eps=1e-6, momentum=0.01) if batch_normalize else nn.Identity()
        self.activation = ACTIVATIONS[activation]()

    def reset(self, generator: torch.Generator) -> None:
        """Darknet's initial values: weights N(0, 2 / fan-in), biases 0."""
        weight = self.conv.weight
        deviation = math.sqrt(2 / weight[0].numel())
        with torch.no_grad():
            weight.copy_(torch.randn(weight.shape, generator=generator) * deviation)
            if self.conv.bias is not None:
                self.conv.bias.zero_()

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, N, M) -> (B, filters, N', M')."""
        return self.activation(self.norm(self.conv(x)))  # type: ignore[no-any-return]


class MaxPool(nn.Module):
    """``[maxpool]``: Darknet pads ``padding`` in all, half of it (rounded down) before (``src/maxpool_layer.c``).

    Args:
        size: side of the window in samples.
        stride: step in samples.
        padding: samples added along each side length, in all.
    """

    def __init__(self, size: int, stride: int, padding: int) -> None:
        super().__init__()
        self.size, self.stride, self.padding = size, stride, padding

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, N, M) -> (B, C, (N + padding - size) // stride + 1, ...)."""
        before, after = self.padding // 2, self.padding - self.padding // 2
        return F.max_pool2d(F.pad(x, (before, after, before, after), value=-math.inf), self.size, self.stride)


class Route(nn.Module):
    """``[route]``: its inputs, one after another along the channels (``src/route_layer.c``)."""

    def forward(self, *inputs: Tensor) -> Tensor:
        """(B, C1, N, M), (B, C2, N, M), ... -> (B, C1 + C2 + ..., N, M)."""
        return inputs[0] if len(inputs) == 1 else torch.cat(inputs, dim=1)


class Reorg(nn.Module):
    """``[reorg]``: Darknet's own order of samples, which is not space-to-depth (``src/blas.c``, ``reorg_cpu``).

    Args:
        stride: that both sides shrink by.
    """

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, N, M) -> (B, C·s², N/s, M/s)."""
        b, c, n, m = x.shape
        s = self.stride
        x = x.reshape(b, c // s**2, n, s, m, s)  # (B, C/s², N, s, M, s): the memory read anew, as Darknet does
        return x.permute(0, 3, 5, 1, 2, 4).reshape(b, c * s**2, n // s, m // s)  # (B, C·s², N/s, M/s)


class Region(nn.Module):
    """``[region]``: ends the network and hands on its raw input; `head` decodes it and `loss` trains it."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, A·(5 + K), N, M), unchanged."""
        return x
