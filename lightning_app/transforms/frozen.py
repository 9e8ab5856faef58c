"""Copies of layers that nothing trains."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy

from torch import Tensor, nn


class FrozenLayers(nn.Module):
    """Layers one behind the other, which run in evaluation mode only, and whose weights are buffers.

    A checkpoint keeps buffers, and no optimiser sees them. A gradient passes to the input.

    Args:
        layers: to copy; each takes one tensor.
    """

    def __init__(self, layers: Sequence[nn.Module]) -> None:
        super().__init__()
        self.layers = nn.Sequential(*deepcopy(list(layers)))
        for module in self.modules():
            for name, parameter in list(module.named_parameters(recurse=False)):
                delattr(module, name)
                module.register_buffer(name, parameter.detach())

    def copy(self, layers: Sequence[nn.Module]) -> None:
        """Take over the weights of the same layers, as they are now."""
        self.layers.load_state_dict(nn.Sequential(*layers).state_dict())

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, N, M) -> what the last layer gives."""
        if self.layers.training:  # batch norm would count features that are predicted
            self.layers.eval()
        return self.layers(x)  # type: ignore[no-any-return]
