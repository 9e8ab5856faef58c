"""Run the layers of a graph, all of them or those of one side of a cut."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from lightning_app.graph.node import Node


def run(
    nodes: Sequence[Node],
    layer: Callable[[Node], nn.Module],
    inputs: Sequence[int],
    outputs: Sequence[int],
    tensors: Sequence[Tensor],
) -> tuple[Tensor, ...]:
    """Run layers in order, each tensor freed after its last use.

    Args:
        nodes: of the layers to run.
        layer: gives the module of a node.
        inputs: indices of the tensors that come in.
        outputs: indices of the tensors that go out.
        tensors: those that come in, each (B, C, N, M).
    """
    known = dict(zip(inputs, tensors, strict=True))
    last_use = {source: node.index for node in nodes for source in node.inputs}
    for step in _steps(nodes, layer, outputs):
        known[step.output] = step.call(*(known[source] for source in step.inputs))
        for source in set(step.inputs):
            if last_use[source] <= step.output and source not in outputs:
                del known[source]
    return tuple(known[index] for index in outputs)


class Step(NamedTuple):
    """A layer, or two at once: what computes it, and the indices of what that takes and gives."""

    call: Callable[..., Tensor]
    inputs: tuple[int, ...]
    output: int


def _steps(nodes: Sequence[Node], layer: Callable[[Node], nn.Module], outputs: Sequence[int]) -> Iterator[Step]:
    """The layers in order; two are one step where the first has a method ``then`` that says how to train both at once.

    ``then`` is asked where a gradient is wanted and the second layer alone takes what the first one gives. It gets the
    second layer, and returns what computes both, or None.
    """
    takers = Counter(source for node in nodes for source in set(node.inputs))
    joined = None
    for node, following in pairwise([*nodes, None]):
        assert node is not None
        if node is joined:
            continue
        joined = None
        module = layer(node)
        alone = takers[node.index] == 1 and node.index not in outputs
        then = getattr(module, "then", None) if alone and torch.is_grad_enabled() else None
        if then is not None and following is not None and following.inputs == (node.index,):
            both = then(layer(following))
            if both is not None:
                joined = following
                yield Step(both, node.inputs, following.index)
                continue
        yield Step(module, node.inputs, node.index)


class Part(nn.Module):
    """The front or the back of a network: some of its layers, shared with it.

    Args:
        nodes: of the layers to run, in order.
        layer: gives the module of a node.
        inputs: indices of the tensors that come in.
        outputs: indices of the tensors that go out.
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        layer: Callable[[Node], nn.Module],
        inputs: tuple[int, ...],
        outputs: tuple[int, ...],
    ) -> None:
        super().__init__()
        self.nodes, self.inputs, self.outputs = tuple(nodes), inputs, outputs
        # By number: torch forbids dots in the names of modules, which a layer's name may have.
        self.layers = nn.ModuleDict({str(node.index): layer(node) for node in nodes})

    def layer(self, node: Node) -> nn.Module:
        """The module of one of ``nodes``."""
        return self.layers[str(node.index)]

    def forward(self, tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """The tensors of ``inputs``, each (B, C, N, M) -> the tensors of ``outputs``."""
        return run(self.nodes, self.layer, self.inputs, self.outputs, tensors)
