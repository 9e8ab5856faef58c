"""``share_index=``: a convolution with the weights of an earlier one, as in the published resnet152_trident.cfg."""

import copy
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from lightning_app.darknet import Network, load_weights, save_weights
from lightning_app.darknet.layers import Convolution
from lightning_app.errors import CfgError

NET = "[net]\nwidth=12\nheight=8\nchannels=3\n"
FIRST = "[convolutional]\nfilters=4\nactivation=linear\n"
LAYER = "[convolutional]\nbatch_normalize=1\nfilters=4\nsize=3\npad=1\ndilation=2\nactivation=leaky\n"
SHARED = LAYER.replace("dilation=2\n", "share_index=-2\n")
HEAD = "[convolutional]\nfilters=7\nactivation=linear\n[region]\nanchors=1,1\nclasses=2\nnum=1\nsoftmax=1\n"
BETWEEN = "[activation]\nactivation=leaky\n"


def numbers(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def gradient(network: Network, name: str) -> torch.Tensor:
    layer = network.layers[name]
    assert isinstance(layer, Convolution)
    assert layer.conv.weight.grad is not None
    return layer.conv.weight.grad


@pytest.fixture
def shared(cfg: Callable[[str], Path]) -> Network:
    return Network.from_cfg(cfg(NET + FIRST + LAYER + BETWEEN + SHARED + HEAD))


def test_the_layers_are_those_of_a_network_that_has_the_weights_twice(
    shared: Network, cfg: Callable[[str], Path]
) -> None:
    twice = Network.from_cfg(cfg(NET + FIRST + LAYER + BETWEEN + LAYER.replace("dilation=2\n", "") + HEAD))
    twice.load_state_dict(shared.state_dict())
    images = numbers(2, 3, 8, 12)
    assert all(map(torch.equal, shared.eval()(images), twice.eval()(images)))
    for node in shared.nodes[:4]:
        front, back, _ = shared.split(node.name)
        assert all(map(torch.equal, back(front((images,))), twice(images))), node.name
    for network in (shared, twice):
        sum(raw.square().mean() for raw in network(images)).backward()
    torch.testing.assert_close(gradient(shared, "conv_1"), gradient(twice, "conv_1") + gradient(twice, "conv_3"))


def test_both_layers_stay_one_in_training_in_a_copy_and_in_another_precision(shared: Network) -> None:
    optimizer = torch.optim.SGD(shared.parameters(), 0.1)
    sum(raw.square().mean() for raw in shared(numbers(2, 3, 8, 12))).backward()
    optimizer.step()
    for network in (shared, copy.deepcopy(shared), copy.deepcopy(shared).double()):
        earlier, later = network.layers["conv_1"].state_dict(), network.layers["conv_3"].state_dict()
        assert all(torch.equal(earlier[name], later[name]) for name in earlier)
        assert sum(p.numel() for p in network.parameters()) == 12 + 4 + 144 + 8 + 28 + 7


def test_a_weights_file_has_them_once(shared: Network, tmp_path: Path) -> None:
    path = tmp_path / "w.weights"
    save_weights(shared, path)
    assert (path.stat().st_size - 20) // 4 == 4 + 12 + 4 * 4 + 144 + 7 + 28
    again = copy.deepcopy(shared)
    for parameter in again.parameters():
        parameter.data.zero_()
    assert load_weights(again, path) == []
    assert all(torch.equal(again.state_dict()[name], tensor) for name, tensor in shared.state_dict().items())


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (LAYER + "[empty]\n" + SHARED.replace("-2", "-1"), "share_index names layer 2, which is no"),
        (LAYER + BETWEEN + SHARED.replace("filters=4", "filters=5"), "share_index names layer 1, whose weights have"),
        (LAYER + BETWEEN + SHARED.replace("-2", "0"), "share_index names layer 0, whose weights have other shapes"),
        (LAYER + SHARED.replace("-2", "7"), "share_index=7 reaches layer 7, which is not before it"),
    ],
)
def test_weights_that_do_not_fit_are_refused(cfg: Callable[[str], Path], body: str, sentence: str) -> None:
    with pytest.raises(CfgError, match=sentence):
        Network.from_cfg(cfg(NET + FIRST + body + HEAD))
