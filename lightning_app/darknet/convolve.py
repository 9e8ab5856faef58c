"""Convolutions as one call each of oneDNN, with batch norm and activation in it, while the weights do not change.

PyTorch runs the three one after another, and lays out each kernel for oneDNN at every call. Once the weights stay as
they are, batch norm is a factor of the kernel and a bias, and the kernel is laid out once for each size of input.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class FixedConvolution:
    """A convolution with its batch norm and activation, from its first call on with the weights that it has then.

    Args:
        convolution: the convolution.
        norm: batch norm, or `nn.Identity`.
        activation: what follows it.
    """

    def __init__(self, convolution: nn.Conv2d, norm: nn.Module, activation: nn.Module) -> None:
        self._convolution, self._norm, self._activation = convolution, norm, activation
        self._options = (convolution.padding, convolution.stride, convolution.dilation, convolution.groups)
        self._laid_out: dict[torch.Size, tuple[Tensor, Tensor]] = {}
        self._fused = _of_activation(activation)

    def takes(self, x: Tensor) -> bool:
        """Whether oneDNN convolves this: on a CPU, in float32, for no gradient, and by the statistics of training."""
        return (
            x.device.type == "cpu"
            and x.dtype == self._convolution.weight.dtype == torch.float32
            and torch._C._has_mkldnn
            and not self._norm.training
            and not torch.is_autocast_enabled("cpu")
            and not torch.is_grad_enabled()
        )

    def __call__(self, x: Tensor) -> Tensor:
        """(B, channels, N, M) -> (B, filters, N', M')."""
        kernel, bias = self._laid_out.get(x.shape) or self._lay_out(x.shape)
        name, scalars = self._fused or ("none", [])
        convolve: Any = torch.ops.mkldnn._convolution_pointwise
        y: Tensor = convolve(x, kernel, bias, *self._options, name, scalars, "")
        return y if self._fused else self._activation(y)

    def _lay_out(self, size: torch.Size) -> tuple[Tensor, Tensor]:
        """The kernel as oneDNN multiplies it with an input of a size, and the bias."""
        factor, bias = _of_norm(self._norm, self._convolution)
        weight = (self._convolution.weight * factor).float()
        kernel = torch.ops.mkldnn._reorder_convolution_weight(weight, *self._options, size)
        self._laid_out[size] = kernel, bias
        return kernel, bias


def _of_norm(norm: nn.Module, convolution: nn.Conv2d) -> tuple[Tensor, Tensor]:
    """The factor of the kernel, (filters, 1, 1, 1) in double precision, and the bias, (filters,)."""
    filters, weight = convolution.out_channels, convolution.weight
    plain = torch.zeros(filters, dtype=weight.dtype, device=weight.device)
    bias = plain if convolution.bias is None else convolution.bias.detach()
    if not isinstance(norm, nn.BatchNorm2d):
        return torch.ones(filters, 1, 1, 1, dtype=torch.float64, device=weight.device), bias
    assert norm.running_mean is not None and norm.running_var is not None  # noqa: PT018
    factor = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
    shifted = norm.bias.double() + (bias.double() - norm.running_mean.double()) * factor
    return factor.detach()[:, None, None, None], shifted.detach().to(weight.dtype)


def _of_activation(activation: nn.Module) -> tuple[str, list[float]] | None:
    """OneDNN's name of an activation, and its numbers; None where it has none."""
    if isinstance(activation, nn.LeakyReLU):
        return "leaky_relu", [activation.negative_slope]
    if isinstance(activation, nn.ReLU):
        return "relu", []
    return ("none", []) if isinstance(activation, nn.Identity) else None
