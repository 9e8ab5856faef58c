"""What each layer of a network costs and gives, as rows of ``layers.csv``: the paper's Fig. 1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import prod

from torch import nn

from lightning_app.graph import SplitDetector


@dataclass(frozen=True)
class Layer:
    """One layer, for one picture of the network's own size.

    Attributes:
        index: Darknet's number of the layer.
        name: ``max_7``.
        channels: C of its output.
        rows: N of its output.
        columns: M of its output.
        samples: C·N·M.
        macs: multiply–accumulates of its convolution, 0 for any other layer.
        cumulative_macs: of this layer and all before it, a fraction of the network's.
        milliseconds: measured, the shortest pass.
        cumulative_time: of this layer and all before it, a fraction of the network's.
        device: that it was measured on.
        commit: of the program that measured it.
    """

    index: int
    name: str
    channels: int
    rows: int
    columns: int
    samples: int
    macs: int
    cumulative_macs: float
    milliseconds: float
    cumulative_time: float
    device: str = ""
    commit: str = ""


def layer_macs(network: SplitDetector) -> list[int]:
    """Multiply–accumulates of each layer: out_C·N·M·k²·in_C/groups of a convolution, 0 of any other."""
    return [_macs(network, index) for index in range(len(network.nodes))]


def _macs(network: SplitDetector, index: int) -> int:
    node = network.nodes[index]
    _, n, m = node.shape
    convolutions = [module for module in network.layer(node).modules() if isinstance(module, nn.Conv2d)]
    return sum(one.weight.numel() * n * m for one in convolutions)  # the weight is (out_C, in_C/groups, k, k)


def layer_rows(network: SplitDetector, seconds: Sequence[float], device: str = "", commit: str = "") -> list[Layer]:
    """The rows of ``layers.csv``.

    Args:
        network: whose layers they are.
        seconds: that each layer takes.
        device: that they were measured on.
        commit: of the program that measured them.
    """
    macs = layer_macs(network)
    costs = zip(network.nodes, macs, _cumulative(macs), seconds, _cumulative(seconds), strict=True)
    return [
        Layer(node.index, node.name, *node.shape, prod(node.shape), mac, macs_to, 1000 * time, time_to, device, commit)
        for node, mac, macs_to, time, time_to in costs
    ]


def _cumulative(costs: Sequence[float]) -> list[float]:
    """The sum up to each, a fraction of the whole; of costs that are all 0, 0."""
    whole = sum(costs) or 1
    return [cost / whole for cost in accumulate(costs)]
