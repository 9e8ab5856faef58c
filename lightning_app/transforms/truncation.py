"""Fewer channels: those that hardly vary are sent as their mean over the training images, which is not sent at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from lightning_app.graph import Shape
from lightning_app.transforms.examples import FeatureBatch
from lightning_app.transforms.feature_statistics import by_channel
from lightning_app.transforms.some_channels import SomeChannels


class ChannelTruncation(SomeChannels):
    """Sends the channels with the widest range; each of the others becomes its mean in the cloud.

    Which they are, and the means, is found on the features of training images, before the first step. Behind a `KLT`,
    whose channels are the principal components, it leaves out the components of the smallest range.

    Args:
        keep: share of the channels that are sent, above 0 and up to 1.
    """

    def __init__(self, keep: float = 0.75) -> None:
        super().__init__(keep)

    def build(self, shapes: Mapping[str, Shape]) -> None:
        """Beside the kept channels' numbers, places for the means (C,)."""
        super().build(shapes)
        for i, (c, _, _) in enumerate(shapes.values()):
            self.register_buffer(f"mean_{i}", torch.zeros(c))

    def find(self, examples: Iterable[FeatureBatch], channels: list[int]) -> None:
        """Choose the channels."""
        ranges = [_Ranges(c) for c in channels]
        for batch in examples:
            for one, v in zip(ranges, batch.features.values(), strict=True):
                one.add(by_channel(v))
        for i, one in enumerate(ranges):
            kept, mean = self.kept(i), self._mean(i)
            kept.copy_((one.high - one.low).argsort(descending=True, stable=True)[: len(kept)].sort().values)
            mean.copy_(one.sum / one.positions)

    def restore(self, features: Mapping[str, Tensor], steps: Tensor) -> dict[str, Tensor]:  # noqa: ARG002
        """(B, kept, N, M) -> (B, C, N, M)."""
        return {name: self._restored(i, v) for i, (name, v) in enumerate(features.items())}

    def _restored(self, i: int, v: Tensor) -> Tensor:
        b, _, n, m = v.shape
        mean = self._mean(i).to(v)
        whole = mean[None, :, None, None].expand(b, -1, n, m)
        return whole.index_copy(1, self.kept(i), v)

    def _mean(self, i: int) -> Tensor:
        return self.get_buffer(f"mean_{i}")


class _Ranges:
    """Of the channels of one tensor over all positions of all images.

    Args:
        channels: C.
    """

    def __init__(self, channels: int) -> None:
        self.positions = 0
        self.sum = torch.zeros(channels, dtype=torch.float64)
        self.low, self.high = self.sum + torch.inf, self.sum - torch.inf

    def add(self, samples: Tensor) -> None:
        """Count features (C, positions)."""
        self.positions += samples.shape[1]
        self.sum += samples.sum(dim=1)
        self.low, self.high = self.low.minimum(samples.amin(dim=1)), self.high.maximum(samples.amax(dim=1))
