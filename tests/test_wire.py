"""Everything that is sent is in one record: an option without its part in the cache key cannot be added."""

import inspect
from dataclasses import fields
from typing import Any

import pytest
import torch
from torch import Tensor

from lightning_app.bitstream import SentTensor, pack
from lightning_app.channel import FeatureChannel
from lightning_app.codecs import HEVC, PNG
from lightning_app.codecs.base import Codec
from lightning_app.transforms import FeatureTransform
from lightning_app.wire import WireFormat


class Halving(FeatureTransform):
    """Sends half of every value."""

    def __init__(self, factor: float = 0.5) -> None:
        super().__init__()
        self.factor = factor
        self.offset = torch.nn.Parameter(torch.zeros(1))

    def reduce(self, features: Any) -> dict[str, Tensor]:
        return {name: v * self.factor for name, v in features.items()}

    def restore(self, features: Any, steps: Any) -> dict[str, Tensor]:
        return {name: v / self.factor + self.offset for name, v in features.items()}


TENSOR = SentTensor((2, 3, 4), 0.5, 1.5, b"payload")
OTHER_VALUES: dict[str, dict[str, Any]] = {
    "split": {"split": "max_5"},
    "depth": {"depth": 10},
    "passthrough": {"passthrough": "full"},
    "zero_min": {"zero_min": True},
    "scaling": {"scaling": "clip"},
    "levels": {"levels": 4},
    "layout": {"layout": "quilted"},
    "group": {"layout": "frames", "group": 2},
    "codec": {"codec": HEVC(settings="best")},
    "transform": {"transform": Halving()},
}
"""For each option of the channel that changes what is sent, another value."""
NOT_SENT = {"training_codec", "qps", "eval_qps", "gradient", "workers"}
"""Options that say when, how fast or with which gradient, and not what: a QP is a part of the key by itself."""


def key(**options: Any) -> list[str]:
    return FeatureChannel(**{"qps": ["lossless"], **options}).wire.key()


def test_every_option_of_the_channel_is_known_to_change_what_is_sent_or_not_to() -> None:
    options = set(inspect.signature(FeatureChannel).parameters)
    assert options == OTHER_VALUES.keys() | NOT_SENT
    assert {field.name for field in fields(WireFormat)} == OTHER_VALUES.keys()


@pytest.mark.parametrize("option", OTHER_VALUES)
def test_each_option_that_changes_what_is_sent_changes_the_key(option: str) -> None:
    alone = key(**OTHER_VALUES[option])
    assert alone != key()
    changed = [part.partition("=")[0] for part, before in zip(alone, key(), strict=True) if part != before]
    assert option in changed


@pytest.mark.parametrize("option", [option for option in OTHER_VALUES if option not in ("scaling", "levels")])
def test_a_containers_header_carries_each_option_but_for_a_codecs_settings_which_its_payload_has(option: str) -> None:
    value = {"codec": {"codec": PNG()}}.get(option, OTHER_VALUES[option])
    channels = FeatureChannel(qps=["lossless"], **value), FeatureChannel(qps=["lossless"])
    one, other = (channel.header("lossless") for channel in channels)
    assert one != other
    assert pack(one, [TENSOR]) != pack(other, [TENSOR])


@pytest.mark.parametrize("option", OTHER_VALUES)
def test_a_channel_made_from_a_format_sends_in_it(option: str) -> None:
    wire = FeatureChannel(qps=["lossless"], **OTHER_VALUES[option]).wire
    assert FeatureChannel.of(wire, ["lossless"]).wire.key() == wire.key()


@pytest.mark.parametrize("option", ["gradient", "workers", "qps", "eval_qps"])
def test_options_that_send_the_same_have_the_same_key(option: str) -> None:
    value = {"gradient": "scaled", "workers": 3, "qps": [22], "eval_qps": [22]}[option]
    assert key(**{option: value}) == key()


@pytest.mark.parametrize(
    ("one", "other"),
    [(HEVC(), HEVC(settings="faster")), (HEVC(), HEVC(prediction="inter")), (HEVC(), PNG())],
    ids=["settings", "prediction", "class"],
)
def test_a_codecs_settings_are_a_part_of_the_key(one: Codec, other: Codec) -> None:
    assert key(codec=one) != key(codec=other)


def test_a_transforms_settings_and_weights_are_a_part_of_the_key() -> None:
    transform = Halving()
    before = key(transform=transform)
    assert key(transform=Halving()) == before
    assert key(transform=Halving(0.25)) != before
    with torch.no_grad():
        transform.offset.fill_(1)
    assert key(transform=transform) != before


def test_two_transforms_stand_on_two_curves_of_points_csv() -> None:
    columns = FeatureChannel(transform=Halving()).wire.columns()
    assert columns["transform"] == "Halving"
    assert columns | {"transform": ""} == FeatureChannel().wire.columns()
