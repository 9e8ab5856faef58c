"""Cutting networks: the two halves are the whole, and what crosses is what it must be."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from lightning_app.darknet import Network, Passthrough
from lightning_app.errors import OptionError

VOC = Path(__file__).parents[2] / "configs/networks/yolov2-voc.cfg"


@pytest.mark.parametrize("passthrough", ["reduced", "full"])
def test_front_then_back_is_the_whole_at_every_layer(
    shipped: Path, randomised: Callable[[Path], Network], passthrough: Passthrough
) -> None:
    network = randomised(shipped)
    images = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        whole = network(images)
        for node in network.nodes:
            front, back, crossing = network.split(node.name, passthrough)
            sent = front((images,))
            assert len(sent) == len(crossing)
            assert all(map(torch.equal, back(sent), whole)), node.name


@pytest.mark.parametrize(
    ("cut", "reduced", "full"),
    [
        ("max_11", ("max_11",), ("max_11",)),
        ("conv_16", ("conv_16",), ("conv_16",)),
        ("max_17", ("max_17", "reorg_27"), ("max_17", "conv_16")),
        ("conv_24", ("conv_24", "reorg_27"), ("conv_24", "conv_16")),
        ("conv_26", ("conv_26", "conv_24"), ("conv_26", "conv_24")),
        ("route_28", ("route_28",), ("route_28",)),
        ("region_31", ("region_31",), ("region_31",)),
    ],
)
def test_the_passthrough_of_yolov2_crosses_every_cut_that_it_spans(
    cut: str, reduced: tuple[str, ...], full: tuple[str, ...]
) -> None:
    network = Network.from_cfg(VOC)
    assert network.split(cut, "reduced").crossing == reduced
    assert network.split(cut, "full").crossing == full


def test_front_and_back_share_the_networks_parameters_and_run_each_layer_once() -> None:
    network = Network.from_cfg(VOC)
    front, back, _ = network.split("max_17")
    names = [node.name for node in (*front.nodes, *back.nodes)]
    assert sorted(names) == sorted(node.name for node in network.nodes)
    assert front.layers["conv_0"] is network.layers["conv_0"]


def test_an_unknown_layer_is_refused_with_the_list() -> None:
    with pytest.raises(OptionError, match=r"no layer is named 'max_8'; the layers are conv_0, max_1, .*region_31$"):
        Network.from_cfg(VOC).split("max_8")
