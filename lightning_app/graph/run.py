"""Run the layers of a graph, all of them or those of one side of a cut."""

from __future__ import annotations

from collections.abc import Callable, Sequence

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
    for node in nodes:
        known[node.index] = layer(node)(*(known[source] for source in node.inputs))
        for source in set(node.inputs):
            if last_use[source] == node.index and source not in outputs:
                del known[source]
    return tuple(known[index] for index in outputs)


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
