"""What transforms share that send a share of the channels: which are kept, and how they are called."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from lightning_app.errors import OptionError
from lightning_app.graph import Shape
from lightning_app.transforms.found import FoundTransform


class SomeChannels(FoundTransform):
    """Sends the channels that a subclass finds.

    Args:
        keep: share of the channels that are sent, above 0 and up to 1.

    Raises:
        OptionError: it is no such share.
    """

    def __init__(self, keep: float) -> None:
        super().__init__()
        if not 0 < keep <= 1:
            raise OptionError(
                f"keep must be above 0 and at most 1, not {keep}: it is the share of channels that are sent"
            )
        self.keep = keep

    def __str__(self) -> str:
        """Its name, with the share."""
        return f"{type(self).__name__}({self.keep:g})"

    def build(self, shapes: Mapping[str, Shape]) -> None:
        """Places for the kept channels' numbers (K,), ascending, of each tensor that is sent."""
        super().build(shapes)
        for i, (c, _, _) in enumerate(shapes.values()):
            self.register_buffer(f"kept_{i}", torch.arange(max(1, math.ceil(self.keep * c))))

    def reduce(self, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """(B, C, N, M) -> (B, K, N, M)."""
        return {name: v[:, self.kept(i)] for i, (name, v) in enumerate(features.items())}

    def kept(self, i: int) -> Tensor:
        """The numbers (K,) of the channels of the i-th tensor that are sent."""
        return self.get_buffer(f"kept_{i}")
