"""Transforms as somebody else may write them: told apart by all that they compute, or refused in one sentence."""

import importlib
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from lightning_app.channel import FeatureChannel
from lightning_app.errors import OptionError
from lightning_app.graph import Shape
from lightning_app.transforms import FeatureTransform
from lightning_app.transforms.shapes import sent_shapes

SHAPES: dict[str, Shape] = {"late": (4, 2, 2), "early": (4, 2, 2)}
Features = Mapping[str, Tensor]
sys.path.insert(0, str(Path(__file__).parent))
one_by_one = importlib.import_module("one_by_one")


class Scaled(FeatureTransform):
    """Its settings are those of a module, of a buffer that is not saved, and a function."""

    def __init__(
        self, slope: float = 0.1, scale: float = 1.0, function: Callable[[Tensor], Tensor] | object = torch.relu
    ) -> None:
        super().__init__()
        self.activation, self.function = nn.LeakyReLU(slope), function
        self.register_buffer("scale", torch.tensor(scale), persistent=False)

    def reduce(self, features: Features) -> dict[str, Tensor]:
        """In the other order."""
        return {name: self.activation(features[name]) * self.scale for name in reversed(list(features))}

    def restore(self, features: Features, steps: Tensor) -> dict[str, Tensor]:
        """As they are."""
        return dict(features)


def identity(transform: FeatureTransform) -> bytes:
    return b"".join(transform.identity())


def test_every_setting_tells_transforms_apart_and_nothing_else_does() -> None:
    assert identity(Scaled()) == identity(Scaled())
    others = [Scaled(slope=0.2), Scaled(scale=2.0), Scaled(function=torch.sigmoid)]
    assert len({identity(transform) for transform in (Scaled(), *others)}) == 4
    assert b" at 0x" not in identity(Scaled())


def test_a_setting_that_is_another_in_every_process_is_refused() -> None:
    with pytest.raises(OptionError, match=r"Scaled keeps function=<object object at .*__repr__"):
        identity(Scaled(function=object()))


def test_tensors_cross_in_the_order_of_the_cut_whatever_the_transform_gives() -> None:
    channel = FeatureChannel(transform=Scaled(), workers=1)
    features = {name: torch.rand(1, *shape) for name, shape in SHAPES.items()}
    assert [one.name for one in channel.codec_inputs(features)] == list(SHAPES)


class Wrong(Scaled):
    """Gives what it is told to."""

    def __init__(self, given: Callable[[Features], object]) -> None:
        super().__init__()
        self.given = given

    def reduce(self, features: Features) -> dict[str, Tensor]:
        """Wrong."""
        return self.given(features)  # type: ignore[return-value]


@pytest.mark.parametrize(
    "given",
    [
        lambda features: {f"my_{name}": tensor for name, tensor in features.items()},
        lambda features: {**features, "more": features["late"]},
        lambda features: {"late": features["late"]},
        lambda features: {name: tensor.flatten(1) for name, tensor in features.items()},
        lambda features: {name: tensor.reshape(2, 2, 2, 2) for name, tensor in features.items()},
        lambda features: features["late"],
    ],
    ids=["renamed", "added", "dropped", "flat", "more images", "no dict"],
)
def test_what_reduce_must_give_is_said_at_once(given: Callable[[Features], object]) -> None:
    with pytest.raises(OptionError, match=r"Wrong\.reduce must give a dict with one tensor .* for each of late, early"):
        sent_shapes(Wrong(given), SHAPES)


def test_where_the_gradient_stops_only_what_restores_learns() -> None:
    transform = one_by_one.Bottleneck()
    transform.prepare(SHAPES)
    frozen = {id(parameter) for parameter in transform.only_reducing()}
    assert frozen == {id(parameter) for parameter in transform.down.parameters()}
