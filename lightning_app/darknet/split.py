"""Cut the graph of a network in two, and find what crosses the cut.

The cut behind layer *k* leaves layers 0 … k on the mobile side. What crosses is computed from the graph: the output of
*k*, and that of every earlier layer that a later one still takes (the passthrough of YOLOv2, the residual of a
shortcut) or that the network gives (a head of YOLOv3).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
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


def crossing_layers(nodes: Sequence[Node], outputs: Sequence[int], cut: int, reduced: bool) -> tuple[int, ...]:
    """Indices of the layers whose outputs cross a cut behind layer ``cut``, that layer first.

    Each tensor crosses once, under the layer that made it. An output of the network that is ready on the mobile side
    crosses too. Layers that no output depends on are as if they were not there.

    Args:
        nodes: the graph.
        outputs: indices of the layers whose outputs the network gives.
        cut: index of the layer to cut behind.
        reduced: layers behind the cut that take one crossing tensor alone, on its way to a join, are computed on the
            mobile side where that makes the crossing smaller.
    """
    makers, used = _makers(nodes), between(nodes, (IMAGE,), outputs)
    own = makers[max(node.index for node in used if node.index <= cut)]
    ends = {makers[index] for index in outputs}
    behind = [node for node in used if node.index > cut and not node.alias]
    sources = {node.index: {makers[source] for source in node.inputs} for node in behind}
    crossing = {index for index in ends.union(*sources.values()) if index <= cut}
    beside = sorted(crossing - {own})
    if reduced:
        beside = [smaller for index in beside for smaller in _smallest_behind(nodes, sources, ends, index)]
    return (own, *beside)


def _makers(nodes: Sequence[Node]) -> dict[int, int]:
    """By layer, the one that made its output: itself, unless it hands on its input."""
    makers = {IMAGE: IMAGE}
    for node in nodes:
        makers[node.index] = makers[node.inputs[0]] if node.alias else node.index
    return makers


def _smallest_behind(
    nodes: Sequence[Node], sources: Mapping[int, Set[int]], ends: Set[int], index: int
) -> tuple[int, ...]:
    """What can cross in place of a layer's output: the smallest set of outputs on the single-input chains from it.

    Of equals the last, and of one output and several of its size the one.
    """
    takers = [taker for taker, taken in sources.items() if index in taken]
    if index in ends or any(len(sources[taker]) > 1 for taker in takers):
        return (index,)
    further = tuple(layer for taker in takers for layer in _smallest_behind(nodes, sources, ends, taker))
    return min(further, (index,), key=lambda layers: (sum(prod(nodes[layer].shape) for layer in layers), len(layers)))


def between(nodes: Sequence[Node], inputs: Sequence[int], outputs: Sequence[int]) -> list[Node]:
    """The layers, in order, that lead from ``inputs`` to ``outputs``."""
    needed: set[int] = set()
    ahead = [index for index in outputs if index not in inputs]
    while ahead:
        index = ahead.pop()
        if index != IMAGE and index not in needed:
            needed.add(index)
            ahead.extend(source for source in nodes[index].inputs if source not in inputs)
    return [nodes[index] for index in sorted(needed)]
