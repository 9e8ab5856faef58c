"""A detector that is not Darknet's: cut at every layer the halves are the whole, and what crosses is what must."""

import importlib
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from lightning_app.darknet import Network, RegionOptions
from lightning_app.darknet import layers as darknet_layers
from lightning_app.darknet import pooling as darknet_pooling
from lightning_app.errors import OptionError
from lightning_app.fx import TracedDetector
from lightning_app.graph import Passthrough

NETWORKS = Path(__file__).parents[2] / "configs/networks"
resnet_detector = importlib.import_module("resnet_detector")  # beside this file, as somebody's own would be
ResNetDetector, PyramidDetector = resnet_detector.ResNetDetector, resnet_detector.PyramidDetector
DARKNETS = tuple(
    kind
    for kind in (vars(darknet_layers) | vars(darknet_pooling)).values()
    if isinstance(kind, type) and issubclass(kind, nn.Module)
)


def detector_of(kind: Callable[[], TracedDetector]) -> TracedDetector:
    """With weights and statistics that tell a layer from another."""
    torch.manual_seed(0)
    detector = kind().eval()
    for module in detector.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None
            nn.init.normal_(module.running_mean, std=0.5)
            nn.init.normal_(module.bias)
    return detector


@pytest.mark.parametrize("passthrough", ["reduced", "full"])
@pytest.mark.parametrize("kind", [ResNetDetector, PyramidDetector])
def test_front_then_back_is_the_whole_at_every_layer(
    kind: Callable[[], TracedDetector], passthrough: Passthrough, images: Tensor
) -> None:
    detector = detector_of(kind)
    untouched = detector_of(kind).module  # run as it was written
    cuts = [node for node in detector.nodes if node.crosses]
    assert len(cuts) > 35
    with torch.no_grad():
        whole = untouched(images)
        for node in cuts:
            front, back, crossing = detector.split(node.name, passthrough)
            sent = front((images,))
            assert len(sent) == len(crossing) == len(set(crossing))
            assert all(map(torch.equal, back(sent), whole)), node.name


@pytest.mark.parametrize("kind", [ResNetDetector, PyramidDetector])
def test_a_copy_computes_the_same_by_weights_of_its_own(kind: Callable[[], TracedDetector], images: Tensor) -> None:
    """As the teacher of an evaluation is, which is given other weights."""
    detector = detector_of(kind)
    copy = deepcopy(detector)
    with torch.no_grad():
        before = detector(images)
        assert all(map(torch.equal, copy(images), before))
        for parameter in copy.parameters():
            parameter.mul_(1.5)
        assert all(map(torch.equal, detector(images), before))
        assert not any(map(torch.equal, copy(images), before))


def test_what_is_tapped_is_what_is_sent_though_the_module_overwrites_its_inputs(images: Tensor) -> None:
    detector = detector_of(PyramidDetector)
    with torch.no_grad():
        every = [node.index for node in detector.nodes if node.crosses]
        tapped = dict(zip(every, detector.tapped(images, tuple(every)), strict=True))
        for index in every:
            front, _, crossing = detector.split(detector.nodes[index].name, "full")
            sent = dict(zip(crossing, front((images,)), strict=True))
            for name, tensor in sent.items():
                assert torch.equal(tensor, tapped[detector.node(name).index]), name


def test_a_cut_sends_what_later_layers_still_take(images: Tensor) -> None:
    detector = detector_of(PyramidDetector)
    crossing = detector.split("layer3").crossing
    assert len(crossing) == 2
    assert crossing[0] == detector.node("layer3").name == "layer3.1"
    assert detector.node(crossing[1]).index == detector.node("layer2").index


def test_a_module_of_several_layers_stands_for_its_last() -> None:
    detector = detector_of(ResNetDetector)
    assert detector.node("layer1.1").index == detector.node("layer1").index > detector.node("layer1.0").index
    with pytest.raises(OptionError, match="no layer is named 'layer4'; the layers are stem, mul, relu"):
        detector.node("layer4")


def test_where_no_features_are_nothing_can_be_sent() -> None:
    detector = detector_of(PyramidDetector)
    (size,) = (node for node in detector.nodes if node.name == "getitem")
    assert not size.crosses
    with pytest.raises(OptionError, match=r"nothing can be sent behind getitem: it gives no \(B, C, N, M\) features"):
        detector.split("getitem")


@pytest.mark.parametrize("cfg", ["shapes", "yolov2-voc", "yolov3-tiny-voc"])
def test_darknets_own_network_traced_crosses_alike_and_gives_the_same_numbers(cfg: str) -> None:
    network = Network.from_cfg(NETWORKS / f"{cfg}.cfg", seed=3).eval()
    traced = TracedDetector(
        Network.from_cfg(NETWORKS / f"{cfg}.cfg", seed=3).eval(), network.heads, (64, 64), 3, DARKNETS
    )
    traced.eval()
    images = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        assert all(map(torch.equal, traced(images), network(images)))
        for node in network.nodes:
            if node.index >= min(network.outputs) or node.alias:
                continue
            for passthrough in ("reduced", "full"):
                ours = network.split(node.name, passthrough)
                theirs = traced.split(f"layers.{node.name}", passthrough)
                assert [f"layers.{name}" for name in ours.crossing] == list(theirs.crossing)
                assert all(map(torch.equal, ours.front((images,)), theirs.front((images,))))


class Unequal(nn.Module):
    """What it does depends on the values in its tensors."""

    def forward(self, images: Tensor) -> Tensor:
        return images if images.sum() > 0 else -images


class Wrong(nn.Module):
    """Gives a head of other channels."""

    def __init__(self, channels: int = 9) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, channels, 32, 32)

    def forward(self, images: Tensor) -> Tensor:
        return self.conv(images)  # type: ignore[no-any-return]


class Drawing(Wrong):
    """Draws from torch's global state."""

    def forward(self, images: Tensor) -> Tensor:
        return nn.functional.dropout(self.conv(images), 0.5)


HEAD = RegionOptions(((1.0, 1.0),), 5)


@pytest.mark.parametrize(
    ("module", "heads", "sentence"),
    [
        (Unequal(), [HEAD], "torch.fx cannot trace Unequal: symbolically traced variables cannot be used"),
        (Wrong(), [HEAD], r"a head needs 10 channels, anchors·\(5 \+ classes\), and conv gives 9"),
        (Wrong(10), [HEAD, HEAD], "the module gives 1 outputs for 2 heads: name as many"),
        (Drawing(10), [HEAD], "dropout draws from the global state of torch: use the module torch.nn.Dropout"),
        (nn.Sequential(Wrong(10), nn.Dropout2d()), [HEAD], "the draws of Dropout2d cannot be repeated"),
    ],
)
def test_what_cannot_be_a_detector_is_refused(module: nn.Module, heads: list[RegionOptions], sentence: str) -> None:
    with pytest.raises(OptionError, match=sentence):
        TracedDetector(module, heads, (64, 64))


def test_dropout_draws_as_a_function_of_what_it_is_seeded_with(images: Tensor) -> None:
    detector = ResNetDetector().train()
    drawn = []
    for seed in (1, 1, 2):
        detector.reseed(seed)
        torch.rand(3)  # the global state does not matter
        drawn.append(detector(images)[0])
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


def test_a_parameter_of_the_module_itself_is_trained(images: Tensor) -> None:
    detector = ResNetDetector().train()
    front, back, _ = detector.split("layer1")
    back(front((images,)))[0].square().sum().backward()
    body = detector.module
    assert body.scale.grad is not None
    assert body.scale.grad.abs().sum() > 0
