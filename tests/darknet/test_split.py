"""Cutting networks: the two halves are the whole, and what crosses is what it must be."""

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
import torch

from lightning_app.darknet import Network, load_weights
from lightning_app.errors import OptionError
from lightning_app.graph import Node, Passthrough

NETWORKS = Path(__file__).parents[2] / "configs" / "networks"
Crossing = tuple[str, ...]


def assert_halves_are_the_whole(network: Network, cuts: Iterable[Node], passthrough: Passthrough) -> None:
    """To the last bit."""
    images = torch.rand(1, 3, 32, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        whole = network(images)
        for node in cuts:
            front, back, crossing = network.split(node.name, passthrough)
            sent = front((images,))
            assert len(sent) == len(crossing) == len(set(crossing))
            assert all(map(torch.equal, back(sent), whole)), node.name


@pytest.mark.parametrize("passthrough", ["reduced", "full"])
def test_front_then_back_is_the_whole_at_every_layer(
    shipped: Path, randomised: Callable[[Path], Network], passthrough: Passthrough
) -> None:
    network = randomised(shipped)
    assert_halves_are_the_whole(network, network.nodes, passthrough)


@pytest.mark.parametrize("every", [pytest.param(6, id="some"), pytest.param(1, id="all", marks=pytest.mark.slow)])
@pytest.mark.parametrize("passthrough", ["reduced", "full"])
def test_front_then_back_is_the_whole_yolo_fastest(shared: Path, every: int, passthrough: Passthrough) -> None:
    """126 layers, 18 shortcuts, 18 dropouts, two heads."""
    folder = shared / "weights" / "yolo-fastest"
    network = Network.from_cfg(folder / "yolo-fastest-xl-voc.cfg").eval()
    load_weights(network, folder / "yolo-fastest-xl-voc.v1.weights")
    cuts = [node for node in network.nodes if node.index % every == 0 or node.index in network.outputs]
    assert len(cuts) > 20
    assert_halves_are_the_whole(network, cuts, passthrough)


@pytest.mark.parametrize(
    ("cut", "reduced", "full"),
    [
        ("max_11", ("max_11",), ("max_11",)),
        ("conv_16", ("conv_16",), ("conv_16",)),
        ("max_17", ("max_17", "reorg_27"), ("max_17", "conv_16")),
        ("conv_24", ("conv_24", "reorg_27"), ("conv_24", "conv_16")),
        ("route_25", ("conv_16", "conv_24"), ("conv_16", "conv_24")),
        ("conv_26", ("conv_26", "conv_24"), ("conv_26", "conv_24")),
        ("route_28", ("route_28",), ("route_28",)),
        ("region_31", ("conv_30",), ("conv_30",)),
    ],
)
def test_the_passthrough_of_yolov2_crosses_every_cut_that_it_spans(cut: str, reduced: Crossing, full: Crossing) -> None:
    network = Network.from_cfg(NETWORKS / "yolov2-voc.cfg")
    assert network.split(cut, "reduced").crossing == reduced
    assert network.split(cut, "full").crossing == full


@pytest.mark.parametrize(
    ("cut", "reduced", "full"),
    [
        ("conv_8", ("conv_8",), ("conv_8",)),
        ("max_9", ("max_9", "conv_8"), ("max_9", "conv_8")),
        ("conv_13", ("conv_13", "conv_8"), ("conv_13", "conv_8")),
        ("conv_14", ("conv_14", "conv_8", "conv_18"), ("conv_14", "conv_8", "conv_13")),
        ("conv_15", ("conv_15", "conv_8", "conv_18"), ("conv_15", "conv_8", "conv_13")),
        ("yolo_16", ("conv_15", "conv_8", "conv_18"), ("conv_15", "conv_8", "conv_13")),
        ("route_17", ("conv_13", "conv_8", "conv_15"), ("conv_13", "conv_8", "conv_15")),
        ("upsample_19", ("upsample_19", "conv_8", "conv_15"), ("upsample_19", "conv_8", "conv_15")),
        ("route_20", ("route_20", "conv_15"), ("route_20", "conv_15")),
        ("yolo_23", ("conv_22", "conv_15"), ("conv_22", "conv_15")),
    ],
)
def test_a_head_on_the_mobile_side_crosses(cut: str, reduced: Crossing, full: Crossing) -> None:
    """Tiny YOLOv3: conv_8 and conv_18 (128 of conv_13's 256 channels) meet in route_20; conv_15 is the first head."""
    network = Network.from_cfg(NETWORKS / "yolov3-tiny-voc.cfg")
    assert network.split(cut, "reduced").crossing == reduced
    assert network.split(cut, "full").crossing == full


def test_the_probabilities_of_a_classifier_cross_behind_its_last_layer() -> None:
    network = Network.from_cfg(NETWORKS / "darknet19.cfg")
    assert network.split("avgpool_24").crossing == ("avgpool_24",)
    assert network.split("softmax_25").crossing == ("softmax_25",)


def conv(filters: int) -> str:
    return f"[convolutional]\nfilters={filters}\nactivation=linear\n"


def route(*layers: int) -> str:
    return f"[route]\nlayers={','.join(map(str, layers))}\n"


RESIDUAL = conv(8) + conv(16) + conv(8) + "[dropout]\n[shortcut]\nfrom=-4\n" + conv(7)
RENAMED = conv(8) + route(0) + conv(8) + "[shortcut]\nfrom=0\n" + conv(7)
DEAD_END = conv(8) + conv(4) + route(0) + conv(7)
DEAD_TAKER = conv(8) + conv(4) + route(0) + conv(8) + route(1) + conv(7)
GROUPED = conv(8) + conv(4) + "[route]\nlayers=0\ngroups=2\n" + route(-1, 1) + conv(7)


def two_takers(first: int, second: int) -> str:
    """conv_0, of 16 channels, goes through conv_3 and conv_5 to where they join conv_1."""
    return conv(16) + conv(8) + route(0) + conv(first) + route(0) + conv(second) + route(1, 3, 5) + conv(7)


@pytest.mark.parametrize(
    ("body", "cut", "reduced", "full"),
    [
        pytest.param(RESIDUAL, "conv_1", ("conv_1", "conv_0"), ("conv_1", "conv_0"), id="a residual"),
        pytest.param(RESIDUAL, "dropout_3", ("dropout_3", "conv_0"), ("dropout_3", "conv_0"), id="a dropped one"),
        pytest.param(RESIDUAL, "shortcut_4", ("shortcut_4",), ("shortcut_4",), id="behind the sum"),
        pytest.param(RENAMED, "route_1", ("conv_0",), ("conv_0",), id="one tensor of two names crosses once"),
        pytest.param(RENAMED, "conv_2", ("conv_2", "conv_0"), ("conv_2", "conv_0"), id="and so beside the cut"),
        pytest.param(DEAD_END, "conv_1", ("conv_0",), ("conv_0",), id="what nobody takes does not cross"),
        pytest.param(DEAD_TAKER, "conv_1", ("conv_1",), ("conv_1",), id="nor what leads to no head"),
        pytest.param(GROUPED, "conv_1", ("conv_1", "route_2"), ("conv_1", "conv_0"), id="half of the channels"),
        pytest.param(two_takers(4, 6), "conv_1", ("conv_1", "conv_3", "conv_5"), ("conv_1", "conv_0"), id="4+6<16"),
        pytest.param(two_takers(10, 6), "conv_1", ("conv_1", "conv_0"), ("conv_1", "conv_0"), id="10+6=16"),
        pytest.param(two_takers(4, 20), "conv_1", ("conv_1", "conv_0"), ("conv_1", "conv_0"), id="4+20>16"),
    ],
)
@pytest.mark.parametrize("head", ["[region]\nanchors=1,1\nclasses=2\n", "[yolo]\nanchors=8,8\nclasses=2\n"])
def test_what_crosses_is_worked_out_by_hand(
    cfg: Callable[[str], Path], body: str, cut: str, reduced: Crossing, full: Crossing, head: str
) -> None:
    network = Network.from_cfg(cfg("[net]\nwidth=32\nheight=32\n" + body + head)).eval()
    assert network.split(cut, "reduced").crossing == reduced
    assert network.split(cut, "full").crossing == full
    assert_halves_are_the_whole(network, network.nodes, "reduced")
    assert_halves_are_the_whole(network, network.nodes, "full")


def test_the_halves_drop_what_the_whole_drops(cfg: Callable[[str], Path]) -> None:
    network = Network.from_cfg(cfg("[net]\nwidth=32\nheight=32\n" + RESIDUAL + "[yolo]\nanchors=8,8\nclasses=2\n"))
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    network.train().reseed(1)
    (whole,) = network(images)
    for node in network.nodes:
        front, back, _ = network.split(node.name)
        network.reseed(1)
        (raw,) = back(front((images,)))
        assert torch.equal(raw, whole), node.name


def test_front_and_back_share_the_networks_parameters_and_run_each_layer_once() -> None:
    network = Network.from_cfg(NETWORKS / "yolov2-voc.cfg")
    front, back, _ = network.split("max_17")
    names = [node.name for node in (*front.nodes, *back.nodes)]
    assert sorted(names) == sorted(node.name for node in network.nodes)
    assert front.layer(network.node("conv_0")) is network.layers["conv_0"]


def test_an_unknown_layer_is_refused_with_the_list() -> None:
    with pytest.raises(OptionError, match=r"no layer is named 'max_8'; the layers are conv_0, max_1, .*region_31$"):
        Network.from_cfg(NETWORKS / "yolov2-voc.cfg").split("max_8")
