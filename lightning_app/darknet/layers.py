"""The layers of a Darknet network as small modules, each exactly Darknet's.

A layer takes one tensor, or several where it joins them, and returns one: (B, C, N, M) throughout.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lightning_app.darknet.convolve import Conv2d

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "linear": nn.Identity,
    "leaky": lambda: nn.LeakyReLU(0.1, inplace=True),
    "relu": lambda: nn.ReLU(inplace=True),
    "relu6": lambda: nn.ReLU6(inplace=True),
    "logistic": nn.Sigmoid,
    "mish": nn.Mish,
    "swish": nn.SiLU,
}
"""By Darknet's names (``src/activations.h``); relu6, mish and swish are of AlexeyAB's Darknet alone.

Those whose gradient follows from their output overwrite their input: a fifth less memory in training, to the same bits.
"""


class Convolution(nn.Module):
    """``[convolutional]``: convolution, batch norm where asked, activation (``src/convolutional_layer.c``).

    With batch norm the bias is the batch norm's own. Momentum .01 and eps 1e-5 are those that published weights were
    trained with (docs/decisions/batch-norm-eps.md).

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
        self.conv = Conv2d(channels, filters, size, stride, padding, groups=groups, bias=not batch_normalize)
        self.norm = nn.BatchNorm2d(filters, eps=1e-5, momentum=0.01) if batch_normalize else nn.Identity()
        self.activation = ACTIVATIONS[activation]()

    def reset(self, generator: torch.Generator) -> None:
        """Darknet's initial values: weights N(0, 2 / fan-in), biases 0."""
        weight = self.conv.weight
        deviation = math.sqrt(2 / weight[0].numel())
        with torch.no_grad():
            weight.copy_(torch.randn(weight.shape, generator=generator).mul_(deviation))
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
        before = self.padding // 2
        below, right = (self._padding_after(length) for length in x.shape[-2:])
        if before or below or right:
            x = F.pad(x, (before, right, before, below), value=-math.inf)
        return F.max_pool2d(x, self.size, self.stride)

    def _padding_after(self, length: int) -> int:
        """Samples that the last window reaches behind a side: none where Darknet's padding meets no window."""
        windows = (length + self.padding - self.size) // self.stride + 1
        return max(0, (windows - 1) * self.stride + self.size - self.padding // 2 - length)


class Route(nn.Module):
    """``[route]``: its inputs, one after another along the channels (``src/route_layer.c``).

    Args:
        groups: that the channels of every input are split into.
        group: which of them is taken, from 0.
    """

    def __init__(self, groups: int = 1, group: int = 0) -> None:
        super().__init__()
        self.groups, self.group = groups, group

    def forward(self, *inputs: Tensor) -> Tensor:
        """(B, C1, N, M), (B, C2, N, M), ... -> (B, (C1 + C2 + ...) / groups, N, M)."""
        return torch.cat([x.chunk(self.groups, dim=1)[self.group] for x in inputs], dim=1)


class Shortcut(nn.Module):
    """``[shortcut]``: the sum of its inputs, then an activation (``src/shortcut_layer.c``).

    The output has the channels of the first input. Of another one with more channels the first ones are added; one with
    fewer is added to the first channels (``shortcut_cpu`` of ``src/blas.c``).

    Args:
        activation: a key of `ACTIVATIONS`.
    """

    def __init__(self, activation: str = "linear") -> None:
        super().__init__()
        self.activation = ACTIVATIONS[activation]()

    def forward(self, x: Tensor, *earlier: Tensor) -> Tensor:
        """(B, C, N, M), (B, C', N, M), ... -> (B, C, N, M)."""
        for other in earlier:
            both = min(x.shape[1], other.shape[1])
            x = (
                torch.cat([x[:, :both] + other[:, :both], x[:, both:]], dim=1)
                if both < x.shape[1]
                else x + other[:, :both]
            )
        return self.activation(x)  # type: ignore[no-any-return]


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


class Upsample(nn.Module):
    """``[upsample]``: each sample repeated along both sides, and scaled (``src/blas.c``, ``upsample_cpu``).

    Args:
        stride: that both sides grow by.
        scale: that the samples are multiplied by.
    """

    def __init__(self, stride: int, scale: float = 1) -> None:
        super().__init__()
        self.stride, self.scale = stride, scale

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, N, M) -> (B, C, N·s, M·s)."""
        return F.interpolate(x, scale_factor=self.stride, mode="nearest") * self.scale
