"""The layers of a Darknet network as small modules, each exactly Darknet's.

A layer takes one tensor, or several where it joins them, and returns one: (B, C, N, M) throughout.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lightning_app.darknet.activations import ACTIVATIONS, SMALL
from lightning_app.darknet.batch_norm_again import norm_again
from lightning_app.darknet.binary import BinaryConv2d
from lightning_app.darknet.convolve import FixedConvolution
from lightning_app.darknet.max_pool import Pair
from lightning_app.darknet.pooling import Blur, MaxPool

CHEAP = 32
"""Products a sample; a convolution of no more, such as that of the image, takes a small part of a step."""


class Convolution(nn.Module):
    """``[convolutional]``: convolution, batch norm where asked, activation (``src/convolutional_layer.c``).

    With batch norm the bias is the batch norm's own. Momentum .01 and eps 1e-5 are those that published weights were
    trained with (docs/decisions/batch-norm-eps.md).

    Args:
        channels: of the input.
        filters: channels of the output.
        size: side of the kernel in samples.
        stride: step in samples, down the rows and along the columns; one number for both.
        padding: samples of zeros on every side.
        groups: that the channels are split into.
        batch_normalize: with batch norm.
        activation: a key of `ACTIVATIONS`.
        dilation: samples from one value of the kernel to the next.
        antialiasing: the kind of `Blur` that takes the steps behind the activation; 0 for none.
        binary: whether the weights count by their signs, see `BinaryConv2d`.
        xnor: whether the weights and the samples do.

    Attributes:
        fixed: all but the blur as one call, see `unchanging`; None while the weights may change.
        shares: whether the weights are those of an earlier layer.
    """

    fixed: FixedConvolution | None = None
    shares: bool = False

    def __init__(
        self,
        channels: int,
        filters: int,
        size: int,
        stride: int | Pair = 1,
        padding: int = 0,
        groups: int = 1,
        batch_normalize: bool = False,
        activation: str = "linear",
        dilation: int = 1,
        antialiasing: int = 0,
        binary: bool = False,
        xnor: bool = False,
    ) -> None:
        super().__init__()
        steps = (stride, stride) if isinstance(stride, int) else stride
        taken = (1, 1) if antialiasing else steps
        kernel = partial(BinaryConv2d, signs=xnor) if binary or xnor else nn.Conv2d
        self.conv: nn.Conv2d = kernel(
            channels, filters, size, taken, padding, dilation, groups, bias=not batch_normalize
        )
        self.norm = nn.BatchNorm2d(filters, eps=1e-5, momentum=0.01) if batch_normalize else nn.Identity()
        self.activation = ACTIVATIONS[activation]()
        self.blur = Blur(antialiasing, steps) if antialiasing else nn.Identity()

    def reset(self, generator: torch.Generator) -> None:
        """Darknet's initial values: weights N(0, 2 / fan-in), biases 0."""
        weight = self.conv.weight
        deviation = math.sqrt(2 / weight[0].numel())
        with torch.no_grad():
            weight.copy_(torch.randn(weight.shape, generator=generator).mul_(deviation))
            if self.conv.bias is not None:
                self.conv.bias.zero_()

    def share(self, other: Convolution) -> None:
        """Have the weights and the batch norm of another convolution (``share_index=``): both learn, as one."""
        self.conv.weight, self.conv.bias, self.norm = other.conv.weight, other.conv.bias, other.norm
        self.shares = True

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, N, M) -> (B, filters, N', M')."""
        if self.fixed is not None and self.fixed.takes(x):
            return self.blur(self.fixed(x))  # type: ignore[no-any-return]
        return self.blur(self.activation(self._normed(x)))  # type: ignore[no-any-return]

    def _normed(self, x: Tensor) -> Tensor:
        """Convolution and batch norm; where the convolution is cheap, the batch norm does not keep what it takes."""
        convolved, norm = self.conv(x), self.norm
        # Compiled, it is torch that decides what it computes again.
        cheap = self.conv.weight[0].numel() <= CHEAP and not torch.compiler.is_compiling()
        trains = convolved.requires_grad and norm.training and convolved.device.type == "cpu"
        if cheap and trains and type(norm) is nn.BatchNorm2d and not _watched(norm):
            return norm_again(convolved, norm, lambda: self.conv.forward(x))
        return norm(convolved)  # type: ignore[no-any-return]

    def then(self, layer: nn.Module) -> Callable[[Tensor], Tensor] | None:
        """What trains this layer and a ``[maxpool]`` behind it in less memory: pooled first, then activated.

        An activation that works in place never falls, so the largest sample stays the largest, to the same bits. It
        keeps its output for its gradient, which is then as small as the pooled one.

        Args:
            layer: that alone takes the output of this one.
        """
        joins = type(layer) is MaxPool and getattr(self.activation, "inplace", False) and type(self.blur) is nn.Identity
        if not (joins and self.training) or _watched(self) or _watched(layer):
            return None
        return lambda x: self.activation(layer(self._normed(x)))


def _watched(layer: nn.Module) -> bool:
    """Whether a hook wants to know what the layer takes or gives."""
    return bool(layer._forward_hooks or layer._forward_pre_hooks)


@contextmanager
def unchanging(network: nn.Module) -> Iterator[None]:
    """For the time that nobody changes the weights of a network, from its first call on."""
    layers = [layer for layer in network.modules() if isinstance(layer, Convolution) and type(layer.conv) is nn.Conv2d]
    for layer in layers:
        layer.fixed = FixedConvolution(layer.conv, layer.norm, layer.activation)
    try:
        yield
    finally:
        for layer in layers:
            layer.fixed = None


class BatchNorm(nn.Module):
    """``[batchnorm]``: a batch norm by itself (``src/batchnorm_layer.c``).

    Args:
        channels: of the input.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, eps=1e-5, momentum=0.01)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, N, M) -> (B, C, N, M)."""
        return self.norm(x)  # type: ignore[no-any-return]


class Activation(nn.Module):
    """``[activation]``: an activation by itself, which leaves its input as it is.

    Args:
        name: a key of `ACTIVATIONS`.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self.activation = ACTIVATIONS[name]()

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, N, M) -> (B, C, N, M)."""
        inplace = getattr(self.activation, "inplace", False)
        return self.activation(x.clone() if inplace else x)  # type: ignore[no-any-return]


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


class WeightedShortcut(Shortcut):
    """``[shortcut]`` with ``weights_type=``: each input times a weight that learns (``shortcut_multilayer_cpu``).

    Args:
        activation: a key of `ACTIVATIONS`.
        inputs: I, how many.
        channels: C of the first input, for a weight for each channel; None for one for each input.
        normalization: how the weights of the inputs become shares: ``relu`` of each over their sum, or a ``softmax``,
            both sums `SMALL` greater; ``none`` for the weights as they are.
    """

    def __init__(self, activation: str, inputs: int, channels: int | None, normalization: str) -> None:
        super().__init__(activation)
        self.weights = nn.Parameter(torch.ones(inputs, channels or 1))  # (I, C) or (I, 1)
        self.normalization = normalization

    def forward(self, x: Tensor, *earlier: Tensor) -> Tensor:
        """(B, C, N, M), (B, C', N, M), ... -> (B, C, N, M)."""
        shares = self._shares()[:, :, None, None]  # (I, C, 1, 1) or (I, 1, 1, 1)
        weighed = [
            other[:, : x.shape[1]] * share[: other.shape[1]] for other, share in zip(earlier, shares[1:], strict=True)
        ]
        return super().forward(x * shares[0], *weighed)

    def _shares(self) -> Tensor:
        raw = self.weights
        if self.normalization == "none":
            return raw
        positive = raw.clamp(min=0) if self.normalization == "relu" else (raw - raw.amax(dim=0)).exp()
        return positive / (positive.sum(dim=0) + SMALL)


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


class Reorg3D(Reorg):
    """``[reorg3d]``: space to depth; the channels of one place in each square stay together (``reorg_cpu``)."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, N, M) -> (B, s²·C, N/s, M/s)."""
        b, c, n, m = x.shape
        s = self.stride
        x = x.reshape(b, c, n // s, s, m // s, s)  # (B, C, N/s, s, M/s, s)
        return x.permute(0, 3, 5, 1, 2, 4).reshape(b, c * s**2, n // s, m // s)  # (B, s²·C, N/s, M/s)


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
