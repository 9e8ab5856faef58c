"""Modules as somebody else may write them: they are cut as they are, or refused in one sentence."""

import importlib

import pytest
import torch
from torch import Tensor, nn

from lightning_app.channel import FeatureChannel
from lightning_app.darknet import RegionOptions
from lightning_app.errors import OptionError
from lightning_app.fx import TracedDetector
from lightning_app.systems import Collaborative

resnet_detector = importlib.import_module("resnet_detector")
HEAD = RegionOptions(resnet_detector.ANCHORS, 5)


class Body(nn.Module):
    """A convolution that is used twice, one with the name that torch.fx gives to its second use, and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.a_1 = nn.Conv2d(3, 3, 3, 1, 1), nn.Conv2d(3, 3, 1)
        self.head = nn.Conv2d(3, HEAD.channels, 8, 8)

    def forward(self, images: Tensor) -> Tensor:
        """The head of two layers."""
        twice = self.a(self.a(images))
        return self.head(self.a_1(twice) + twice)  # type: ignore[no-any-return]


class ByName(Body):
    """Calls a function that overwrites."""

    def forward(self, images: Tensor) -> Tensor:
        """What is added is the same tensor twice."""
        early = self.a(images)
        return self.head(early + torch.relu_(early))  # type: ignore[no-any-return]


class View(Body):
    """Overwrites a part of a tensor."""

    def forward(self, images: Tensor) -> Tensor:
        """The first channel is rectified in its place."""
        early = self.a(images)
        early[:, :1].relu_()
        return self.head(early)  # type: ignore[no-any-return]


class Draws(Body):
    """Is never the same twice."""

    def forward(self, images: Tensor) -> Tensor:
        """With noise."""
        return self.head(images + torch.rand_like(images))  # type: ignore[no-any-return]


class TwoInputs(Body):
    """Takes a factor beside the images."""

    def forward(self, images: Tensor, factor: float = 1.0) -> Tensor:
        """Scaled."""
        return self.head(images * factor)  # type: ignore[no-any-return]


def detector_of(kind: type[Body]) -> TracedDetector:
    torch.manual_seed(0)
    return TracedDetector(kind(), [HEAD], (64, 64)).eval()


def test_a_function_that_overwrites_leaves_what_was_sent(images: Tensor) -> None:
    detector = detector_of(ByName)
    with torch.no_grad():
        front, back, _ = detector.split("a")
        (sent,) = front((images,))
        before = sent.clone()
        back((sent,))
        assert torch.equal(sent, before)
        assert bool((before < 0).any())


def test_every_layer_has_a_name_of_its_own(images: Tensor) -> None:
    detector = detector_of(Body)
    names = [node.name for node in detector.nodes]
    assert len(set(names)) == len(names)
    with torch.no_grad():
        whole = detector(images)
        for name in names:
            front, back, _ = detector.split(name)
            assert all(map(torch.equal, back(front((images,))), whole)), name


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (View, "View gives other outputs when torch.fx has traced it"),
        (Draws, "Draws gives other outputs"),
        (TwoInputs, "TwoInputs takes images, factor: wrap it"),
    ],
)
def test_a_module_that_is_more_than_its_operations_is_refused(kind: type[Body], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        detector_of(kind)


def test_a_front_that_does_not_learn_leaves_the_back_its_weights() -> None:
    detector = resnet_detector.ResNetDetector()  # whose own parameter is in the front
    system = Collaborative(detector, FeatureChannel("layer2", gradient="stop", workers=1))
    assert system.frozen is not None
    system.frozen.requires_grad_(False)
    learning = {name for name, parameter in detector.named_parameters() if parameter.requires_grad}
    assert learning == {name for name, _ in detector.named_parameters() if "layer3" in name or "coarse" in name}
