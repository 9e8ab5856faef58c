"""Several transforms, one behind the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from lightning_app.errors import OptionError
from lightning_app.graph import Shape, SplitDetector
from lightning_app.transforms.examples import FeatureBatch
from lightning_app.transforms.shapes import sent_shapes
from lightning_app.transforms.transform import FeatureTransform


class Chain(FeatureTransform):
    """Reduces by one transform after the other, and restores in the opposite order.

    Args:
        transforms: from the network's features to what is quantised, at least one.
    """

    def __init__(self, transforms: Sequence[FeatureTransform]) -> None:
        super().__init__()
        if not transforms:
            raise OptionError("Chain needs at least one transform: name one, such as KLT, or set the transform to null")
        self.transforms = nn.ModuleList(transforms)

    def __str__(self) -> str:
        """The names of all."""
        return " ".join(map(str, self.transforms))

    def build_in(self, network: SplitDetector | None, shapes: Mapping[str, Shape]) -> None:
        """Build each for what the one before it gives; only the first takes features of the network."""
        for transform in self._in_order():
            transform.prepare(shapes, network)
            shapes, network = sent_shapes(transform, shapes), None

    def initialise(self, examples: Iterable[FeatureBatch]) -> None:
        """Initialise each by what the one before it gives."""
        for transform in self._in_order():
            transform.initialise(examples)
            examples = _Reduced(transform, examples)

    def reduce(self, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """(B, C, N, M) -> what the last one gives."""
        for transform in self._in_order():
            features = transform.reduce(features)
        return dict(features)

    def restore(self, features: Mapping[str, Tensor], steps: Tensor) -> dict[str, Tensor]:
        """What was decoded -> (B, C, N, M)."""
        for transform in reversed(self._in_order()):
            features = transform.restore(features, steps)
        return dict(features)

    def _in_order(self) -> list[FeatureTransform]:
        return list(self.transforms)  # type: ignore[arg-type]


class _Reduced:
    """Examples of the features that a transform gives.

    Args:
        transform: that reduces.
        examples: of the features that it takes.
    """

    def __init__(self, transform: FeatureTransform, examples: Iterable[FeatureBatch]) -> None:
        self.transform, self.examples = transform, examples

    def __iter__(self) -> Iterator[FeatureBatch]:
        """The batches."""
        for batch in self.examples:
            yield self._reduced(batch)

    def _reduced(self, batch: FeatureBatch) -> FeatureBatch:
        def loss(others: Mapping[str, Tensor]) -> Tensor:
            first = next(iter(others.values()))
            return batch.loss(self.transform.restore(others, first.new_zeros(len(first))))

        with torch.no_grad():
            return FeatureBatch(self.transform.reduce(batch.features), loss)
