"""The activations of Darknet's ``src/activations.h``, and AlexeyAB's of ``src/activations.c``."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SMALL = 1e-4
"""What Darknet adds to the sum by which `normalize_channels` and the normalised ``[shortcut]`` divide."""


class Function(nn.Module):
    """A function of each sample, or of the channels of each position, as a module.

    Args:
        function: (B, C, N, M) -> (B, C, N, M).
    """

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, N, M) -> (B, C, N, M)."""
        return self.function(x)


def hard_mish(x: Tensor) -> Tensor:
    """The input above 0, x²/2 + x between -2 and 0, 0 below."""
    return torch.where(x > 0, x, torch.where(x > -2, x * x / 2 + x, torch.zeros_like(x)))


def darknets_gelu(x: Tensor) -> Tensor:
    """½x·(1 + tanh(0.797885x + 0.035677x³))."""
    return 0.5 * x * (1 + torch.tanh(0.797885 * x + 0.035677 * x**3))


def loggy(x: Tensor) -> Tensor:
    """2·σ(x) - 1."""
    return 2 * x.sigmoid() - 1


def darknets_selu(x: Tensor) -> Tensor:
    """1.0507·x above 0, 1.0507·1.6732·(e^x - 1) below."""
    return 1.0507 * torch.where(x >= 0, x, 1.6732 * torch.expm1(x.clamp(max=0)))


def ramp(x: Tensor) -> Tensor:
    """1.1·x above 0, 0.1·x below."""
    return F.relu(x) + 0.1 * x


def lhtan(x: Tensor) -> Tensor:
    """The input between 0 and 1, and with a slope of 0.001 outside."""
    return torch.where(x < 0, 0.001 * x, torch.where(x > 1, 0.001 * (x - 1) + 1, x))


def plse(x: Tensor) -> Tensor:
    """An eighth of the input, and ½ more, between -4 and 4, and with a slope of 0.01 outside."""
    return torch.where(x < -4, 0.01 * (x + 4), torch.where(x > 4, 0.01 * (x - 4) + 1, 0.125 * x + 0.5))


def normalize_channels(x: Tensor) -> Tensor:
    """The positive channels of each position over their sum, the others 0."""
    positive = x.clamp(min=0)
    return positive / (positive.sum(dim=1, keepdim=True) + SMALL)


def normalize_channels_softmax(x: Tensor) -> Tensor:
    """e^x over its sum over the channels of each position, which is `SMALL` greater than a softmax's."""
    powers = x.exp()
    return powers / (powers.sum(dim=1, keepdim=True) + SMALL)


def normalize_channels_softmax_maxval(x: Tensor) -> Tensor:
    """The same of what each position's channels are below their greatest."""
    return normalize_channels_softmax(x - x.amax(dim=1, keepdim=True))


def _function(function: Callable[[Tensor], Tensor]) -> Callable[[], nn.Module]:
    return lambda: Function(function)


ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "linear": nn.Identity,
    "leaky": lambda: nn.LeakyReLU(0.1, inplace=True),
    "relu": lambda: nn.ReLU(inplace=True),
    "relu6": lambda: nn.ReLU6(inplace=True),
    "logistic": nn.Sigmoid,
    "mish": nn.Mish,
    "swish": nn.SiLU,
    "hard_mish": _function(hard_mish),
    "tanh": nn.Tanh,
    "loggy": _function(loggy),
    "elu": nn.ELU,
    "selu": _function(darknets_selu),
    "gelu": _function(darknets_gelu),
    "relie": lambda: nn.LeakyReLU(0.01),
    "ramp": _function(ramp),
    "hardtan": nn.Hardtanh,
    "lhtan": _function(lhtan),
    "plse": _function(plse),
    "normalize_channels": _function(normalize_channels),
    "normalize_channels_softmax": _function(normalize_channels_softmax),
    "normalize_channels_softmax_maxval": _function(normalize_channels_softmax_maxval),
}
"""By Darknet's names.

leaky, relu and relu6, whose gradient follows from their output, overwrite their input: a fifth less memory in training,
to the same bits. ``stair``, which is flat but for its steps, and ``revleaky`` are in no detector and not here.
"""

OF_CHANNELS = frozenset(name for name in ACTIVATIONS if name.startswith("normalize_channels"))
"""Those that look at all channels of a position: Darknet has them in ``[convolutional]`` and ``[shortcut]`` alone."""
