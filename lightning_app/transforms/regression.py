"""The convolution that predicts one tensor from another with the least squared error."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SIDE = 3
"""Of the kernel."""


class Regression:
    """Gathers what the best 3×3 convolution, with padding 1, depends on; float64, on the CPU.

    Args:
        channels: K of the input.
        outputs: of the convolution.
    """

    def __init__(self, channels: int, outputs: int) -> None:
        values = channels * SIDE**2 + 1  # and a constant
        self.products = torch.zeros(values, values, dtype=torch.float64)
        self.joint = torch.zeros(values, outputs, dtype=torch.float64)

    def add(self, x: Tensor, y: Tensor) -> None:
        """Count inputs (B, K, N, M) with the outputs (B, outputs, N, M) that are wanted."""
        patches = F.unfold(x.detach().double().cpu(), SIDE, padding=SIDE // 2)  # (B, 9 K, N M)
        rows = patches.transpose(0, 1).flatten(1)  # (9 K, B N M)
        rows = torch.cat([rows, torch.ones_like(rows[:1])])
        self.products += rows @ rows.T
        self.joint += rows @ y.detach().double().cpu().flatten(2).permute(0, 2, 1).flatten(0, 1)

    def solve(self, layer: nn.Conv2d) -> None:
        """Fill in the kernel and the bias."""
        found = torch.linalg.lstsq(self.products, self.joint, driver="gelsd").solution.T  # (outputs, 9 K + 1)
        assert layer.bias is not None
        with torch.no_grad():
            layer.weight.copy_(found[:, :-1].reshape(layer.weight.shape))
            layer.bias.copy_(found[:, -1])
