"""What transforms share that find their values on the features of training images, and then keep them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from lightning_app.graph import Shape
from lightning_app.transforms.examples import FeatureBatch
from lightning_app.transforms.transform import FeatureTransform


class FoundTransform(FeatureTransform):
    """Finds its values once, before the first training or measurement; checkpoints bring them to later ones.

    Attributes:
        initialised: whether they are found; a buffer, so that a checkpoint says it.
    """

    initialised: Tensor

    def build(self, shapes: Mapping[str, Shape]) -> None:  # noqa: ARG002
        """Make the mark; subclasses make the places of their values, too."""
        self.register_buffer("initialised", torch.tensor(False))

    def initialise(self, examples: Iterable[FeatureBatch]) -> None:
        """Find the values, unless a checkpoint has brought them."""
        if bool(self.initialised):
            return
        assert self.shapes is not None
        self.find(examples, [c for c, _, _ in self.shapes.values()])
        self.initialised.fill_(True)

    @abstractmethod
    def find(self, examples: Iterable[FeatureBatch], channels: list[int]) -> None:
        """Fill in the values.

        Args:
            examples: batches of features; each iteration runs the front anew.
            channels: C of each tensor that is sent.
        """


def unfound(transform: FeatureTransform) -> list[str]:
    """Names of the transforms, of this one and those within it, that have not found their values yet."""
    found = (module for module in transform.modules() if isinstance(module, FoundTransform))
    return [str(module) for module in found if not bool(module.initialised)]
