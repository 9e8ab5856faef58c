"""A network whose outputs another network learns to give."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lightning_app.data import Target
from lightning_app.graph import SplitDetector

ROOM = 2**30
"""Bytes of outputs that are kept for later epochs."""


class Teacher:
    """Gives a network's raw heads, in evaluation mode and without a gradient.

    It runs once for every batch. Where the same image comes in every epoch (``fixed``), it runs once in all, as long as
    the outputs fit in `ROOM`.

    Args:
        network: the teacher.
    """

    def __init__(self, network: SplitDetector) -> None:
        self.network = network.eval().requires_grad_(False)
        self._kept: dict[int, tuple[Tensor, ...]] = {}
        self._left = ROOM

    def __call__(self, images: Tensor, targets: Sequence[Target]) -> tuple[Tensor, ...]:
        """The raw heads, each (B, channels, N, M), of B images (B, 3, H, W) in [0, 1] and what is known of each."""
        indices = [target["index"] for target in targets]
        # All of a batch or nothing: the last bits of a convolution can depend on the number of images.
        if all(index in self._kept for index in indices):
            kept = [self._kept[index] for index in indices]
            return tuple(torch.stack(heads).to(images.device) for heads in zip(*kept, strict=True))
        raws: tuple[Tensor, ...] = self.network.to(images)(images)
        if all(target["fixed"] for target in targets):
            self._keep(indices, raws)
        return raws

    def _keep(self, indices: Sequence[int], raws: tuple[Tensor, ...]) -> None:
        for place, index in enumerate(indices):
            heads = tuple(raw[place].cpu().clone() for raw in raws)
            size = sum(head.nbytes for head in heads)
            if index not in self._kept and size <= self._left:
                self._kept[index] = heads
                self._left -= size
