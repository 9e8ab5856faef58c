"""Convolutions of signs: Darknet's ``binary=1`` and ``xnor=1``.

Source: ``binarize_weights``, ``binarize_cpu`` and ``backward_convolutional_layer_gpu`` of Darknet's
``src/convolutional_layer.c`` and ``src/convolutional_kernels.cu``; the method is XNOR-Net's (Rastegari et al., 2016).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class BinaryConv2d(nn.Conv2d):
    """A convolution whose weights count by their signs, each times its filter's mean absolute weight.

    The weights themselves stay as they are, and learn by the gradient of what stands for them.

    Args:
        arguments: of `nn.Conv2d`.
        signs: whether the samples count by their signs, too. A sample's gradient then passes where it is between -1
            and 1. Zeros around the input stay zeros.
        options: of `nn.Conv2d`.
    """

    def __init__(self, *arguments: Any, signs: bool, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.signs = signs

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, N, M) -> (B, filters, N', M')."""
        weight = self.weight
        size = weight.detach().abs().mean(dim=(1, 2, 3), keepdim=True)  # (filters, 1, 1, 1)
        weight = _with_gradient_of(weight, _sign(weight) * size)
        if self.signs:
            x = _with_gradient_of(F.hardtanh(x), _sign(x))
        return self._conv_forward(x, weight, self.bias)  # type: ignore[no-any-return]


def _sign(x: Tensor) -> Tensor:
    """1 where a value is above 0, and -1 elsewhere, as Darknet has it."""
    return torch.where(x.detach() > 0, 1.0, -1.0).to(x.dtype)


def _with_gradient_of(x: Tensor, value: Tensor) -> Tensor:
    """The value to the last bit, whose gradient is that of x."""
    return value + (x - x.detach())
