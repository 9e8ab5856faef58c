"""Layers that multiply one layer's output by another's: squeeze-and-excitation, and spatial attention."""

from __future__ import annotations

from torch import Tensor, nn

from lightning_app.darknet.activations import ACTIVATIONS


class Gate(nn.Module):
    """``[scale_channels]`` and ``[sam]``: the product of two layers, then an activation.

    Source: ``src/scale_channels_layer.c`` and ``src/sam_layer.c``. The layer before may have one position, and so scale
    the channels of the other layer; with ``scale_wh`` one channel, and so scale the positions; in ``[sam]`` it has the
    shape of the other.

    Args:
        activation: a key of `ACTIVATIONS`.
    """

    def __init__(self, activation: str = "linear") -> None:
        super().__init__()
        self.activation = ACTIVATIONS[activation]()

    def forward(self, before: Tensor, other: Tensor) -> Tensor:
        """(B, C, 1, 1), (B, 1, N, M) or (B, C, N, M), and (B, C, N, M) -> (B, C, N, M)."""
        return self.activation(before * other)  # type: ignore[no-any-return]
