"""What a transform makes of the shapes that cross, found and checked by trying it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy

import torch
from torch import Tensor

from lightning_app.errors import OptionError
from lightning_app.graph import Shape
from lightning_app.transforms.transform import FeatureTransform


def sent_shapes(transform: FeatureTransform | None, shapes: Mapping[str, Shape]) -> dict[str, Shape]:
    """C, N, M of each tensor that is quantised, from those that cross.

    Raises:
        OptionError: the transform does not give one tensor of features for each, or not what the back takes.
    """
    if transform is None:
        return dict(shapes)
    parameter = next(transform.parameters(), torch.zeros(()))
    whole = {name: parameter.new_zeros((1, *shape)) for name, shape in shapes.items()}
    trial = deepcopy(transform).eval()  # batch norm would count the zeros
    with torch.no_grad():
        reduced = trial.reduce(whole)
        _check_reduces(transform, whole, reduced)
        restored = trial.restore(reduced, parameter.new_zeros(1))
    _check_restores(transform, whole, restored)
    return {name: _shape(reduced[name]) for name in shapes}


def _check_reduces(transform: FeatureTransform, whole: Mapping[str, Tensor], reduced: object) -> None:
    tensors = dict(reduced) if isinstance(reduced, Mapping) else {}
    if tensors.keys() != whole.keys() or any(v.ndim != 4 or len(v) != 1 for v in tensors.values()):
        raise OptionError(
            f"{type(transform).__name__}.reduce must give a dict with one tensor (B, C, N, M) for each of "
            f"{', '.join(whole)}; for one image it gives "
            + (", ".join(f"{name} {tuple(v.shape)}" for name, v in tensors.items()) or "none")
        )


def _check_restores(transform: FeatureTransform, whole: Mapping[str, Tensor], restored: Mapping[str, Tensor]) -> None:
    given = {name: tuple(tensor.shape[1:]) for name, tensor in restored.items()}
    wanted = {name: tuple(tensor.shape[1:]) for name, tensor in whole.items()}
    if given != wanted:
        raise OptionError(
            f"{type(transform).__name__} restores {_listed(given) or 'nothing'} where the back takes {_listed(wanted)}"
        )


def _listed(shapes: Mapping[str, Sequence[int]]) -> str:
    return ", ".join(f"{name} of {'×'.join(map(str, shape))}" for name, shape in shapes.items())


def _shape(tensor: Tensor) -> Shape:
    _, c, n, m = tensor.shape
    return c, n, m
