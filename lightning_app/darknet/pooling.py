"""Darknet's pooling layers (``src/maxpool_layer.c``), and the blur of ``antialiasing=``."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lightning_app.darknet.max_pool import Pair, max_pool


class MaxPool(nn.Module):
    """``[maxpool]``: Darknet pads ``padding`` in all, half of it (rounded down) before.

    Args:
        size: side of the window in samples.
        stride: step in samples, down the rows and along the columns; one number for both.
        padding: samples added along each side length, in all.
    """

    def __init__(self, size: int, stride: int | Pair, padding: int) -> None:
        super().__init__()
        self.size, self.padding = size, padding
        self.stride = (stride, stride) if isinstance(stride, int) else stride

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, N, M) -> (B, C, (N + padding - size) // stride + 1, ...)."""
        return max_pool(self._padded(x, -math.inf), self.size, self.stride)

    def _padded(self, x: Tensor, value: float) -> Tensor:
        before = self.padding // 2
        below, right = (self._padding_after(*pair) for pair in zip(x.shape[-2:], self.stride, strict=True))
        return F.pad(x, (before, right, before, below), value=value) if before or below or right else x

    def _padding_after(self, length: int, stride: int) -> int:
        """Samples that the last window reaches behind a side: none where Darknet's padding meets no window."""
        windows = (length + self.padding - self.size) // stride + 1
        return max(0, (windows - 1) * stride + self.size - self.padding // 2 - length)


class LocalAveragePool(MaxPool):
    """``[local_avgpool]``: the mean of what a window has of the input; padding does not count."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, N, M) -> (B, C, (N + padding - size) // stride + 1, ...)."""
        there = self._padded(torch.ones_like(x[:1, :1]), 0)
        means = F.avg_pool2d(self._padded(x, 0), self.size, self.stride)
        return means / F.avg_pool2d(there, self.size, self.stride)


class DepthPool(nn.Module):
    """``[maxpool]`` with ``maxpool_depth=1``: the largest of the channels g, g + channels, g + 2·channels and so on.

    Args:
        channels: of the output.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, N, M) -> (B, channels, N, M)."""
        missing = -x.shape[1] % self.channels
        x = F.pad(x, (0, 0, 0, 0, 0, missing), value=-math.inf) if missing else x
        b, c, n, m = x.shape
        return x.reshape(b, c // self.channels, self.channels, n, m).amax(dim=1)  # (B, channels, N, M)


class Blur(nn.Module):
    """The blur of ``antialiasing=``: a fixed kernel takes the steps that the layer before it leaves out.

    Source: ``make_maxpool_layer`` and ``make_convolutional_layer``. Its kernel is in no file of weights.

    Args:
        kind: 1 for 1 2 1 over both sides, /16, with a padding of 1; 2 for the mean of 2×2 without padding.
        stride: step in samples, down the rows and along the columns.
    """

    kernel: Tensor

    def __init__(self, kind: int, stride: Pair) -> None:
        super().__init__()
        side = torch.tensor([1.0, 2.0, 1.0] if kind == 1 else [1.0, 1.0])
        kernel = side[:, None] * side
        self.register_buffer("kernel", kernel / kernel.sum(), persistent=False)  # (3, 3) or (2, 2)
        self.stride, self.padding = stride, 1 if kind == 1 else 0

    def shape(self, length: int, axis: int) -> int:
        """Rows (axis 0) or columns (axis 1) of the output."""
        return (length + 2 * self.padding - len(self.kernel)) // self.stride[axis] + 1

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, N, M) -> (B, C, N', M')."""
        c = x.shape[1]
        kernel = self.kernel.to(x.dtype).expand(c, 1, *self.kernel.shape)
        return F.conv2d(x, kernel, stride=self.stride, padding=self.padding, groups=c)
