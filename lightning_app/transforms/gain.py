"""Allocation of precision to the channels: those to which the heads are more sensitive are quantised more finely."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from lightning_app.graph import Shape
from lightning_app.transforms.components import check_sensitivity
from lightning_app.transforms.examples import FeatureBatch
from lightning_app.transforms.feature_statistics import gather_statistics, stretch_factors
from lightning_app.transforms.found import FoundTransform


class ChannelGain(FoundTransform):
    """Multiplies each channel by a gain of its own before it is quantised, and divides by it in the cloud.

    A gain g works as a quantiser's step, or a codec's, that is g times finer in this channel: an offset of -6 log2(g)
    to the QP of its tile. No codec needs to know. The gains follow from how much a squared error in each channel moves
    the heads, measured on training images before the first training or measurement; their product is 1.

    Args:
        sensitivity: how far the gains go: 0 for none; 1 so that a small error costs the same in every channel.
    """

    def __init__(self, sensitivity: float = 0.5) -> None:
        super().__init__()
        self.sensitivity = check_sensitivity(sensitivity)

    def __str__(self) -> str:
        """Its name, with the setting."""
        return f"ChannelGain({self.sensitivity:g})"

    def build(self, shapes: Mapping[str, Shape]) -> None:
        """Places for the gains of each tensor that is sent."""
        super().build(shapes)
        for i, (c, _, _) in enumerate(shapes.values()):
            self.register_buffer(f"gain_{i}", torch.ones(c))

    def find(self, examples: Iterable[FeatureBatch], channels: list[int]) -> None:
        """Measure the sensitivities."""
        for i, statistics in enumerate(gather_statistics(channels, examples, probed=True)):
            sensitivity = statistics.sensitivity()
            if sensitivity is not None:
                self._gain(i).view(-1).copy_(stretch_factors(sensitivity, self.sensitivity))

    def reduce(self, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """(B, C, N, M) -> the same shape."""
        return {name: v * self._gain(i) for i, (name, v) in enumerate(features.items())}

    def restore(self, features: Mapping[str, Tensor], steps: Tensor) -> dict[str, Tensor]:  # noqa: ARG002
        """The inverse."""
        return {name: v / self._gain(i) for i, (name, v) in enumerate(features.items())}

    def _gain(self, i: int) -> Tensor:
        """(C, 1, 1)."""
        return self.get_buffer(f"gain_{i}")[:, None, None]
