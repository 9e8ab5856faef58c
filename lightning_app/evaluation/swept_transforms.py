"""The transforms of a sweep: one copy for each split, and a name for each that no other has."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy

from lightning_app.errors import OptionError
from lightning_app.transforms import FeatureTransform


class SweptTransforms:
    """Copies of transforms, each of which all combinations at one split share, so that values are found once.

    Args:
        transforms: of the sweep; None stands for nothing.
        own: the one of them that is not copied, as it may hold values that came with the weights, for its own split.

    Raises:
        OptionError: ``points.csv`` could not tell two of them apart.
    """

    def __init__(self, transforms: Iterable[FeatureTransform | None], own: FeatureTransform | None) -> None:
        self.own = own
        self.copies: dict[tuple[FeatureTransform, str], FeatureTransform] = {}
        known: dict[str, bytes] = {}
        for transform in transforms:
            identity = b"" if transform is None else b"".join(transform.identity())
            if known.setdefault(str(transform), identity) != identity:
                raise OptionError(
                    f"two transforms with other settings would both be called {transform} in points.csv: measure them "
                    "by two commands, each with its own --output"
                )

    def at(self, split: str, transform: FeatureTransform | None) -> FeatureTransform | None:
        """What sends at a split."""
        if transform is None or transform is self.own:
            return transform
        if (transform, split) not in self.copies:
            self.copies[transform, split] = deepcopy(transform)
        return self.copies[transform, split]
