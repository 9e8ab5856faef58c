"""Features of training images, for a transform that takes its initial values from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import deepcopy
from typing import NamedTuple

import torch
from torch import Tensor

from lightning_app.graph import Passthrough, SplitDetector

IMAGES = 128
"""How many images are looked at, whole batches of them; all of fewer."""


class FeatureBatch(NamedTuple):
    """The features of one batch of training images.

    Attributes:
        features: (B, C, N, M) of each tensor that is sent, by the layer that makes it; without a gradient.
        loss: how far the heads move if the back gets other features of the same images, by `SplitDetector.imitation`: a
            number with a gradient to the other features, 0 for the same ones.
        images: (B, 3, H, W) themselves; None where the features are what another transform gives.
        network: that makes the features, in evaluation mode and without gradients to its weights; or None.
    """

    features: Mapping[str, Tensor]
    loss: Callable[[Mapping[str, Tensor]], Tensor]
    images: Tensor | None = None
    network: SplitDetector | None = None


class FeatureExamples:
    """Runs the front of a network, as it is now and in evaluation mode, on the first images of a loader.

    Each iteration begins anew and gives the same.

    Args:
        network: to be cut.
        split: layer behind which it is cut.
        passthrough: the second tensor that is sent where a later layer joins an earlier one.
        loader: gives batches with ``images`` (B, 3, H, W).
        device: on which the network runs.
    """

    def __init__(
        self,
        network: SplitDetector,
        split: str,
        passthrough: Passthrough,
        loader: Callable[[], Iterable[Mapping[str, object]]],
        device: torch.device,
    ) -> None:
        # The network itself stays where it is, in its mode.
        self.network = deepcopy(network).eval().requires_grad_(False).to(device)
        self.front, self.back, self.crossing = self.network.split(split, passthrough)
        self.loader, self.device = loader, device

    def __iter__(self) -> Iterator[FeatureBatch]:
        """The batches."""
        seen = 0
        for batch in self.loader():
            images = batch["images"]
            assert isinstance(images, Tensor)
            yield self._batch(images.to(self.device))
            seen += len(images)
            if seen >= IMAGES:
                return

    def _batch(self, images: Tensor) -> FeatureBatch:
        with torch.no_grad():
            features = dict(zip(self.crossing, self.front((images,)), strict=True))
            expected = self._heads(features)

        def loss(others: Mapping[str, Tensor]) -> Tensor:
            return torch.stack(list(self.network.imitation(self._heads(others), expected).values())).sum()

        return FeatureBatch(features, loss, images, self.network)

    def _heads(self, features: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        heads: tuple[Tensor, ...] = self.back(tuple(features[name] for name in self.crossing))
        return heads
