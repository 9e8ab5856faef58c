"""The layers that end in a tensor that crosses: from the last one that mixes channels on."""

from __future__ import annotations

from typing import NamedTuple

from torch import nn

from lightning_app.errors import OptionError
from lightning_app.graph.detector import SplitDetector
from lightning_app.graph.node import IMAGE, Shape


class LastLayers(NamedTuple):
    """A chain of layers, each of which takes the output of the one before it and nothing else.

    Attributes:
        source: index of the layer whose output the first of them takes; `IMAGE` for the input image.
        taken: C, N, M of this output.
        layers: the network's own modules, the first a convolution.
    """

    source: int
    taken: Shape
    layers: list[nn.Module]


def last_layers(network: SplitDetector, name: str) -> LastLayers:
    """The chain that ends in a layer: of YOLO-LITE's ``max_5`` conv_4 and max_5, which take the output of max_3.

    Args:
        network: whose layers they are.
        name: of the layer that ends the chain.

    Raises:
        OptionError: no convolution leads to the layer without a join in between.
    """
    node, layers = network.node(name), list[nn.Module]()
    while True:
        layers.insert(0, network.layer(node))
        if len(node.inputs) != 1:
            raise OptionError(_refusal(name, f"{node.name} takes the outputs of several layers"))
        (source,) = node.inputs
        if _mixes(layers[0]):
            return LastLayers(source, _shape(network, source), layers)
        if source == IMAGE:
            raise OptionError(_refusal(name, "there is none"))
        node = network.nodes[source]


def _refusal(name: str, why: str) -> str:
    return f"no single convolution leads to {name}, since {why}: cut elsewhere, or take another transform"


def _mixes(layer: nn.Module) -> bool:
    """Whether it has a kernel, (C, C', n, m)."""
    return any(parameter.ndim == 4 for parameter in layer.parameters())


def _shape(network: SplitDetector, index: int) -> Shape:
    return (network.channels, *network.size) if index == IMAGE else network.nodes[index].shape
