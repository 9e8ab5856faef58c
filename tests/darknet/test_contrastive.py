"""``[contrastive]``: a loss that only Darknet's training has, and the layers that only it depends on."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from lightning_app.darknet import Network
from lightning_app.detector import Detector
from lightning_app.errors import CfgError

NET = "[net]\nwidth=32\nheight=32\nchannels=3\ncontrastive=1\n[convolutional]\nfilters=4\nactivation=leaky\n"
EMBEDDING = "[convolutional]\nfilters=6\nactivation=linear\n[route]\nlayers=-2\n"
HEAD = "[convolutional]\nfilters=7\nactivation=linear\n[yolo]\nmask=0\nanchors=9,9\nnum=1\nclasses=2\n"
LOSS = "[route]\nlayers=1\n[contrastive]\nclasses=1\nyolo_layer=-2\ntemperature=1.0\ncontrastive_neg_max=3\n"


def test_the_network_gives_what_it_gives_without_the_loss(cfg: Callable[[str], Path]) -> None:
    network = Network.from_cfg(cfg(NET + EMBEDDING + HEAD.replace("num=1", "num=1\nembedding_layer=-3") + LOSS)).eval()
    plain = Network.from_cfg(cfg(NET + HEAD)).eval()
    for ours, theirs in (("conv_0", "conv_0"), ("conv_3", "conv_1")):
        plain.layers[theirs].load_state_dict(network.layers[ours].state_dict())
    run: list[nn.Module] = []
    for layer in network.layers.values():
        layer.register_forward_hook(lambda layer, *_: run.append(layer))
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    (ours,), (theirs,) = network(images), plain(images)
    assert torch.equal(ours, theirs)
    names = [name for name, layer in network.layers.items() if layer in run]
    assert names == ["conv_0", "route_2", "conv_3", "yolo_4"]
    assert network.split("conv_0").crossing == ("conv_0",)


def test_every_weight_that_learns_gets_a_gradient(cfg: Callable[[str], Path]) -> None:
    """With ranks, one without would hold the others up."""
    module = Detector(str(cfg(NET + EMBEDDING + HEAD + LOSS)))
    sum(raw.square().mean() for raw in module.network(torch.rand(1, 3, 32, 32))).backward()
    learning = {name for name, parameter in module.network.named_parameters() if parameter.requires_grad}
    assert learning == {name for name, parameter in module.network.named_parameters() if parameter.grad is not None}
    assert learning == {f"layers.conv_{index}.conv.{part}" for index in (0, 3) for part in ("weight", "bias")}


def test_nothing_takes_what_a_loss_gives(cfg: Callable[[str], Path]) -> None:
    with pytest.raises(CfgError, match=r"takes the output of layer 2, a loss; \[route\] to an earlier layer"):
        Network.from_cfg(cfg(NET + "[route]\nlayers=0\n[contrastive]\n" + HEAD))
