"""Cut a graph in two, and find the tensors to send.

The cut behind layer *k* leaves layers 0 … k on the mobile side. The graph says which tensors to send: the output of
*k*, and that of every earlier layer that a later one still takes (the passthrough of YOLOv2, the residual of a
shortcut) or that the network gives (a head of YOLOv3).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from math import prod
from typing import Literal, NamedTuple

from lightning_app.errors import OptionError
from lightning_app.graph.node import IMAGE, Node
from lightning_app.graph.run import Part

Passthrough = Literal["reduced", "full"]
"""What is sent beside the split: the smallest outputs along the way to a join, or the earlier layer itself."""


class Split(NamedTuple):
    """A network in two parts: ``front, back, crossing = network.split("max_7")``.

    Attributes:
        front: images (B, 3, H, W) -> crossing tensors.
        back: crossing tensors -> raw heads.
        crossing: names of the layers that made the crossing tensors.
    """

    front: Part
    back: Part
    crossing: tuple[str, ...]


def crossing_layers(nodes: Sequence[Node], outputs: Sequence[int], cut: int, reduced: bool) -> tuple[int, ...]:
    """Indices of the layers whose outputs cross a cut behind layer ``cut``, that layer first.

    Each tensor is sent once, under the layer that made it. An output of the network that is ready on the mobile side
    is sent too. Layers that no output depends on are as if they were not there.

    Args:
        nodes: the graph.
        outputs: indices of the layers whose outputs the network gives.
        cut: index of the layer to cut behind.
        reduced: layers behind the cut that take only one crossing tensor, on its way to a join, are computed on the
            mobile side where that makes the crossing smaller.

    Raises:
        OptionError: what would be sent is no tensor of features.
    """
    makers, used = _makers(nodes), between(nodes, (IMAGE,), outputs)
    own = makers[max((node.index for node in used if node.index <= cut), default=IMAGE)]
    _check_crosses(nodes, own)
    ends = {makers[index] for index in outputs}
    behind = [node for node in used if node.index > cut and not node.alias]
    sources = {node.index: {makers[source] for source in node.inputs} for node in behind}
    taken = {index for index in ends.union(*sources.values()) if index <= cut}
    before = {index: _features_before(nodes, index) for index in taken}
    # From these the cloud computes again what cannot be sent: nothing smaller takes their place.
    needed = set().union(*(features for index, features in before.items() if features != {index}))
    beside = sorted(needed.union(*before.values()) - {own})
    if reduced:
        smaller = {index: _smallest_behind(nodes, sources, ends, index) for index in beside if index not in needed}
        beside = [layer for index in beside for layer in smaller.get(index, (index,))]
    return (own, *dict.fromkeys(beside))


def _check_crosses(nodes: Sequence[Node], index: int) -> None:
    if index == IMAGE or not nodes[index].crosses:
        name = "the input image" if index == IMAGE else nodes[index].name
        raise OptionError(f"nothing can be sent behind {name}: it gives no (B, C, N, M) features; cut somewhere else")


def _features_before(nodes: Sequence[Node], index: int) -> set[int]:
    """The layer itself, where its output can cross, else those from whose features the cloud computes it again."""
    if index != IMAGE and not nodes[index].crosses and nodes[index].inputs:
        return set().union(*(_features_before(nodes, source) for source in nodes[index].inputs))
    _check_crosses(nodes, index)
    return {index}


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
    # A layer that takes this tensor and no other can run on the mobile side, and its output is sent instead. Then the
    # same is asked of that layer. In YOLOv2 this leads from conv_16 by the 1×1 convolution behind it to reorg_27, an
    # eighth of the samples. The recursion ends at a join, which takes a second tensor, and at a head.
    takers = [taker for taker, taken in sources.items() if index in taken]
    if index in ends or any(len(sources[taker]) > 1 for taker in takers):
        return (index,)
    further = tuple(layer for taker in takers for layer in _smallest_behind(nodes, sources, ends, taker))
    if not all(nodes[layer].crosses for layer in further):
        return (index,)
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
