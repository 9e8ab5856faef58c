"""Cut the graph of a network in two, and find what crosses the cut.

The cut behind layer *k* leaves layers 0 … k on the mobile side. What crosses is computed from the graph: the output of
*k*, and that of every earlier layer that a later one still takes (the passthrough of YOLOv2).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import NamedTuple

from torch import Tensor, nn

from lightning_app.darknet.build import IMAGE, Node


def run(
    nodes: Sequence[Node],
    layers: nn.ModuleDict,
    inputs: Sequence[int],
    outputs: Sequence[int],
    tensors: Sequence[Tensor],
) -> tuple[Tensor, ...]:
    """Run layers in order, each tensor freed after its last use.

    Args:
        nodes: of the layers to run.
        layers: the modules, by name.
        inputs: indices of the tensors that come in.
        outputs: indices of the tensors that go out.
        tensors: those that come in, each (B, C, N, M).
    """
    known = dict(zip(inputs, tensors, strict=True))
    last_use = {source: node.index for node in nodes for source in node.inputs}
    for node in nodes:
        known[node.index] = layers[node.name](*(known[source] for source in node.inputs))
        for source in set(node.inputs):
            if last_use[source] == node.index and source not in outputs:
                del known[source]
    return tuple(known[index] for index in outputs)


class Part(nn.Module):
    """The front or the back of a network: some of its layers, shared with it.

    Args:
        nodes: of the layers to run, in order.
        layers: the network's modules, by name.
        inputs: indices of the tensors that come in.
        outputs: indices of the tensors that go out.
    """

    def __init__(
        self, nodes: Sequence[Node], layers: nn.ModuleDict, inputs: tuple[int, ...], outputs: tuple[int, ...]
    ) -> None:
        super().__init__()
        self.nodes, self.inputs, self.outputs = tuple(nodes), inputs, outputs
        self.layers = nn.ModuleDict({node.name: layers[node.name] for node in nodes})

    def forward(self, tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """The tensors of ``inputs``, each (B, C, N, M) -> the tensors of ``outputs``."""
        return run(self.nodes, self.layers, self.inputs, self.outputs, tensors)


class Split(NamedTuple):
    """A network in two parts: ``front, back, crossing = network.split("max_7")``."""

    front: Part
    back: Part
    crossing: tuple[str, ...]


def crossing_layers(nodes: Sequence[Node], cut: int, reduced: bool) -> tuple[int, ...]:
    """Indices of the layers whose outputs cross a cut behind layer ``cut``, that layer first.

    Args:
        nodes: the graph.
        cut: index of the layer to cut behind.
        reduced: layers behind the cut that take one crossing tensor alone, on its way to a join, are computed on the
            mobile side where that makes the crossing smaller.
    """
    used = {source for node in nodes[cut + 1 :] for source in node.inputs}
    beside = [index for index in range(cut) if index in used]
    if reduced:
        beside = [_smallest_along(nodes, cut, index) for index in beside]
    return (cut, *beside)


def _smallest_along(nodes: Sequence[Node], cut: int, start: int) -> int:
    """The layer of the smallest output on the single-input chain from ``start``; of equals the last."""
    best = current = start
    while True:
        takers = [node for node in nodes[cut + 1 :] if current in node.inputs]
        if len(takers) != 1 or len(takers[0].inputs) != 1:
            return best
        current = takers[0].index
        if prod(nodes[current].shape) <= prod(nodes[best].shape):
            best = current


def between(nodes: Sequence[Node], inputs: tuple[int, ...], outputs: tuple[int, ...]) -> list[Node]:
    """The layers, in order, that lead from ``inputs`` to ``outputs``."""
    needed: set[int] = set()
    ahead = [index for index in outputs if index not in inputs]
    while ahead:
        index = ahead.pop()
        if index != IMAGE and index not in needed:
            needed.add(index)
            ahead.extend(source for source in nodes[index].inputs if source not in inputs)
    return [nodes[index] for index in sorted(needed)]
