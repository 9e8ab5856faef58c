"""Principal components of the channels over training images, stretched by what the heads are sensitive to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from lightning_app.errors import OptionError
from lightning_app.transforms.examples import FeatureBatch
from lightning_app.transforms.feature_statistics import FeatureStatistics, gather_statistics


class Components(NamedTuple):
    """Of one tensor's features v (C,) at a position: y = W (v - m) and v = V y + m.

    Attributes:
        weight: W (C, C), the component of the largest variance first.
        inverse: V (C, C).
        mean: m (C,).
    """

    weight: Tensor
    inverse: Tensor
    mean: Tensor


def check_sensitivity(sensitivity: float) -> float:
    """Return `sensitivity` if it is from 0 to 1.

    Raises:
        OptionError: it is not.
    """
    if not 0 <= sensitivity <= 1:
        raise OptionError(f"sensitivity must be from 0 to 1, not {sensitivity}")
    return sensitivity


def find_components(channels: Sequence[int], examples: Iterable[FeatureBatch], sensitivity: float) -> list[Components]:
    """The components of each tensor that is sent, in float64.

    Args:
        channels: C of each tensor.
        examples: batches of features.
        sensitivity: how much the features are stretched before: 0 for not at all; 1 so that a small error costs the
            same in every direction.

    Raises:
        OptionError: the detector does not say how its heads are compared, and the sensitivity is not 0.
    """
    return [_components(one, sensitivity) for one in gather_statistics(channels, examples, sensitivity > 0)]


def _components(statistics: FeatureStatistics, sensitivity: float) -> Components:
    stretch, shrink = statistics.stretch(sensitivity)
    _, vectors = torch.linalg.eigh(stretch @ statistics.covariance @ stretch)
    vectors = vectors.flip(1)  # the largest first
    return Components(vectors.T @ stretch, shrink @ vectors, statistics.mean)
