"""Convolutions whose kernels can stay as oneDNN multiplies them, while the weights do not change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

LARGE_KERNEL = 2**20
"""Weights; a smaller kernel is laid out in a small part of the time that multiplying it takes."""

SMALL_INPUT = 20480
"""Samples; PyTorch convolves no more than these without oneDNN (``use_mkldnn`` of ``ATen/native/Convolution.cpp``)."""


class Conv2d(nn.Conv2d):
    """PyTorch's own convolution, to the bit, which can keep its kernel laid out.

    oneDNN multiplies a kernel in a layout that depends on the size of the input. PyTorch makes it at every call, which
    on one picture takes a large kernel as long as the convolution itself.

    Attributes:
        laid_out: kernels by the size of the input; None while the weights may change.
    """

    laid_out: dict[torch.Size, Tensor] | None = None

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, N, M) -> (B, filters, N', M')."""
        if self.laid_out is None or not self._gains(x):
            return super().forward(x)
        options = (self.padding, self.stride, self.dilation, self.groups)
        kernel = self.laid_out.get(x.shape)
        if kernel is None:
            kernel = torch.ops.mkldnn._reorder_convolution_weight(self.weight, *options, x.shape)
            self.laid_out[x.shape] = kernel
        convolve = torch.ops.mkldnn._convolution_pointwise
        return convolve(x, kernel, self.bias, *options, "none", [], "")  # type: ignore[no-any-return]

    def _gains(self, x: Tensor) -> bool:
        """Whether oneDNN convolves this, in float32 and for no gradient, with a kernel that takes long to lay out."""
        return (
            self.weight.numel() >= LARGE_KERNEL
            and x.numel() > SMALL_INPUT
            and self.kernel_size != (1, 1)  # which a single thread does without oneDNN
            and x.device.type == "cpu"
            and x.dtype == self.weight.dtype == torch.float32
            and torch._C._has_mkldnn
            and not torch.is_autocast_enabled("cpu")
            and not torch.is_grad_enabled()
        )


@contextmanager
def unchanging(network: nn.Module) -> Iterator[None]:
    """For the time that nobody changes the weights of a network: kernels are laid out once for each size of input."""
    convolutions = [module for module in network.modules() if isinstance(module, Conv2d)]
    for convolution in convolutions:
        convolution.laid_out = {}
    try:
        yield
    finally:
        for convolution in convolutions:
            convolution.laid_out = None
