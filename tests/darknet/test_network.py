"""Networks as modules: what the shipped and published .cfg files make, and the draws of [dropout]."""

import copy
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from lightning_app.darknet import Network
from lightning_app.darknet.layers import Convolution

NETWORKS = Path(__file__).parents[2] / "configs" / "networks"
DROPOUT = """
[net]
width=16
height=16
[convolutional]
filters=7
activation=linear
[dropout]
probability=.25
[convolutional]
filters=7
activation=linear
[dropout]
probability=.25
[shortcut]
from=-4
[region]
anchors=1,1
classes=2
num=1
"""


def floats(network: Network) -> int:
    """What a .weights file of it holds."""
    statistics = [b for name, b in network.named_buffers() if name.endswith(("_mean", "_var"))]
    return sum(tensor.numel() for tensor in (*network.parameters(), *statistics))


def macs(network: Network) -> int:
    """Multiplications of the convolutions for one picture of the network's own size."""
    total = 0
    for node in network.nodes:
        layer, (_, n, m) = network.layers[node.name], node.shape
        total += layer.conv.weight.numel() * n * m if isinstance(layer, Convolution) else 0
    return total


def test_a_shipped_network_has_the_floats_and_macs_that_it_states(shipped: Path) -> None:
    network = Network.from_cfg(shipped)
    stated = " ".join(line.lstrip("# ") for line in shipped.read_text().split("[net]")[0].splitlines())
    assert f"{floats(network):,} floats" in stated
    assert f"{macs(network) / 1e9:.2f} GMAC" in stated or f"{macs(network) / 1e6:.0f} MMAC" in stated


def test_shipped_layers_are_commented_with_their_names(shipped: Path) -> None:
    names = re.findall(r"^# (\w+)\n\[", shipped.read_text(), re.MULTILINE)
    assert names == [node.name for node in Network.from_cfg(shipped).nodes]


def test_yolov2_voc_has_the_floats_and_features_of_the_paper() -> None:
    network = Network.from_cfg(NETWORKS / "yolov2-voc.cfg")
    assert floats(network) == 50_676_061
    volumes = {name: c * n * m for name, (c, n, m) in ((node.name, node.shape) for node in network.nodes)}
    assert (volumes["max_3"], volumes["max_7"], volumes["max_11"]) == (692_224, 346_112, 173_056)
    assert (volumes["max_17"], volumes["conv_26"], volumes["reorg_27"]) == (86_528, 43_264, 43_264)
    assert volumes["conv_16"] == 346_112


def test_a_yolo_lite_of_ours_is_the_published_one(shared: Path) -> None:
    ours = Network.from_cfg(NETWORKS / "yolo-lite.cfg")
    published = Network.from_cfg(shared / "weights/yolo-lite/tiny-yolov2-trial3.cfg")
    assert ours.nodes == published.nodes
    assert ours.heads == published.heads
    assert str(ours.layers) == str(published.layers)


def test_yolo_fastest_is_read_as_published(shared: Path) -> None:
    network = Network.from_cfg(shared / "weights/yolo-fastest/yolo-fastest-xl-voc.cfg")
    assert len(network.nodes) == 126
    assert [network.nodes[index].name for index in network.outputs] == ["yolo_115", "yolo_125"]
    assert [network.nodes[index].shape for index in network.outputs] == [(75, 10, 10), (75, 20, 20)]


def test_yolov3_tiny_has_two_heads_with_anchors_in_cells_of_their_own() -> None:
    network = Network.from_cfg(NETWORKS / "yolov3-tiny-voc.cfg")
    assert [network.nodes[index].shape for index in network.outputs] == [(75, 13, 13), (75, 26, 26)]
    coarse, fine = (head.anchors for head in network.heads)
    assert coarse == ((81 / 32, 82 / 32), (135 / 32, 169 / 32), (344 / 32, 319 / 32))
    assert fine == ((10 / 16, 14 / 16), (23 / 16, 27 / 16), (37 / 16, 58 / 16))


def test_the_classifiers_tell_a_thousand_classes_apart_at_any_size() -> None:
    network = Network.from_cfg(NETWORKS / "darknet19.cfg").eval()
    assert (network.heads, network.classes, network.nodes[-1].shape) == ((), 1000, (1000, 1, 1))
    with torch.no_grad():
        (probabilities,) = network(torch.rand(2, 3, 64, 96, generator=torch.Generator().manual_seed(0)))
    assert probabilities.shape == (2, 1000, 1, 1)
    torch.testing.assert_close(probabilities.sum(dim=1).flatten(), torch.ones(2))


@pytest.fixture
def dropping(cfg: Callable[[str], Path]) -> Network:
    """A network with two dropouts, in training mode."""
    return Network.from_cfg(cfg(DROPOUT)).train()


def drawn(network: Network, *entropy: int) -> torch.Tensor:
    """What a network in training mode gives after a reseed."""
    network.reseed(*entropy)
    with torch.no_grad():
        (raw,) = network(torch.ones(2, 3, 16, 16))
    return raw  # type: ignore[no-any-return]


def test_dropout_draws_depend_on_the_entropy_alone(dropping: Network) -> None:
    """Seed, epoch, batch, rank: the same again gives the same, and each of them counts."""
    first = drawn(dropping, 5, 1, 2, 0)
    torch.manual_seed(1)
    assert torch.equal(drawn(dropping, 5, 1, 2, 0), first)
    others = [drawn(dropping, *entropy) for entropy in ((6, 1, 2, 0), (5, 2, 2, 0), (5, 1, 3, 0), (5, 1, 2, 1))]
    assert not any(torch.equal(other, first) for other in others)


def test_dropout_neither_reads_nor_moves_the_global_random_state(dropping: Network) -> None:
    before = torch.get_rng_state()
    drawn(dropping, 0)
    assert torch.equal(torch.get_rng_state(), before)


def test_two_dropouts_of_a_network_draw_apart(dropping: Network) -> None:
    dropping.reseed(0)
    ones = torch.ones(1, 7, 16, 16)
    assert not torch.equal(dropping.layers["dropout_1"](ones), dropping.layers["dropout_3"](ones))


def test_training_without_a_reseed_draws_from_the_networks_own_seed(cfg: Callable[[str], Path]) -> None:
    ones = torch.ones(1, 7, 16, 16)
    first, again, other = (Network.from_cfg(cfg(DROPOUT), seed).train().layers["dropout_1"](ones) for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_what_takes_the_layer_before_a_dropout_takes_what_it_left(dropping: Network) -> None:
    """Darknet's dropout works in place: [shortcut] from=-4 names conv_0 and adds dropout_1."""
    assert dropping.nodes[4].inputs == (3, 1)


def test_a_network_that_has_drawn_can_be_copied(dropping: Network) -> None:
    """As averaging the weights does."""
    drawn(dropping, 0)
    assert torch.equal(drawn(copy.deepcopy(dropping), 1), drawn(dropping, 1))
