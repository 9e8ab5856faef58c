"""A detector from any module that `torch.fx` can trace."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import fx, nn

from lightning_app.darknet import HeadedDetector
from lightning_app.darknet.build import HeadOptions
from lightning_app.errors import OptionError
from lightning_app.fx.operation import Operation
from lightning_app.fx.trace import trace
from lightning_app.fx.trial import check_alike, run_as_written, run_traced
from lightning_app.graph import IMAGE, Node


class TracedDetector(HeadedDetector):
    """A module with ``[region]`` or ``[yolo]`` heads behind it, cut behind any of its operations.

    A layer is called as its module is, ``backbone.conv1``, or as torch.fx calls the operation, ``add_1``. The name of a
    module of several layers, such as ``backbone.layer3``, stands for the last of them.

    Args:
        module: images (B, C, H, W) in [0, 1] -> the raw output of each head, (B, A·(5 + K), N, M), alone or in a tuple.
            torch.fx must be able to trace it: what it does must not depend on the values in its tensors.
        heads: the options of each head, in the order of the outputs.
        size: rows and columns of the images that the module is made for.
        channels: C of the images.
        whole: classes of modules that are one layer each, beside those of torch.nn.

    Raises:
        OptionError: the module cannot be traced, its operations give other outputs than the module, or its outputs are
            not those of the heads.
    """

    def __init__(
        self,
        module: nn.Module,
        heads: Sequence[HeadOptions],
        size: tuple[int, int],
        channels: int = 3,
        whole: tuple[type[nn.Module], ...] = (),
    ) -> None:
        super().__init__()
        images = torch.rand((2, channels, *size), generator=torch.Generator().manual_seed(0))
        written = run_as_written(module, images)
        traced = trace(module, whole)
        shape_of, outputs = run_traced(traced, images)
        check_alike(module, written, outputs)
        self.module, self.heads, self.size, self.channels = module, tuple(heads), size, channels
        self.code = traced.code
        operations = [node for node in traced.graph.nodes if node.op.startswith("call_")]
        self.nodes = _nodes(operations, shape_of, module)
        # In a tuple, since the module has their weights already.
        self._layers = tuple(_layer(operation, module) for operation in operations)
        self._groups = _groups(operations)
        self.outputs = _outputs(traced.graph, operations)
        self._check_heads()
        self.reseed(0)

    @property
    def architecture(self) -> object:
        """The module, its operations as this version of torch writes them, its heads and their size."""
        return repr(self.module), self.code, self.heads, self.size

    def layer(self, node: Node) -> nn.Module:
        """The module of a node."""
        return self._layers[node.index]

    def node(self, name: str) -> Node:
        """The node of a layer's name; of the name of a module of several layers, the last of them."""
        if name in self._groups and all(node.name != name for node in self.nodes):
            return self.nodes[self._groups[name]]
        return super().node(name)

    def _check_heads(self) -> None:
        if len(self.outputs) != len(self.heads):
            raise OptionError(f"the module gives {len(self.outputs)} outputs for {len(self.heads)} heads: name as many")
        for index, head in zip(self.outputs, self.heads, strict=True):
            node = self.nodes[index]
            if not node.crosses or node.shape[0] != head.channels:
                raise OptionError(
                    f"a head needs {head.channels} channels, anchors·(5 + classes), and {node.name} gives "
                    f"{node.shape[0] if node.crosses else 'no (B, C, N, M) tensor'}"
                )


def _nodes(
    operations: Sequence[fx.Node], shape_of: dict[fx.Node, tuple[int, ...] | None], module: nn.Module
) -> tuple[Node, ...]:
    numbers = {operation: index for index, operation in enumerate(operations)}
    names = _names(operations)
    nodes = []
    for operation, index in numbers.items():
        sources = [source for source in operation.all_input_nodes if source.op != "get_attr"]
        shape = shape_of[operation] or ()
        crosses = len(shape) == 4 and shape[0] == 2
        c, n, m = shape[1:] if crosses else (0, 0, 0)
        inputs = tuple(numbers.get(source, IMAGE) for source in sources)
        nodes.append(Node(index, names[index], inputs, (c, n, m), _is_alias(operation, module), crosses))
    return tuple(nodes)


def _names(operations: Sequence[fx.Node]) -> list[str]:
    """A name for each; a module that runs twice is two layers, of which the second has torch.fx's name."""
    firsts = [_name(operation) for operation in operations]
    names: list[str] = []
    for operation, name in zip(operations, firsts, strict=True):
        if name in names:
            name = operation.name
            while name in firsts or name in names:  # a module may have that name
                name += "_again"
        names.append(name)
    return names


def _name(operation: fx.Node) -> str:
    return str(operation.target) if operation.op == "call_module" else operation.name


def _is_alias(operation: fx.Node, module: nn.Module) -> bool:
    return operation.op == "call_module" and isinstance(module.get_submodule(str(operation.target)), nn.Identity)


def _layer(operation: fx.Node, module: nn.Module) -> nn.Module:
    takes_one_tensor = len(operation.args) == 1 and isinstance(operation.args[0], fx.Node) and not operation.kwargs
    if operation.op == "call_module" and takes_one_tensor:
        return module.get_submodule(str(operation.target))
    return Operation(operation, module)


def _groups(operations: Sequence[fx.Node]) -> dict[str, int]:
    """By the name of each module, the number of its last operation."""
    return {
        path: index
        for index, operation in enumerate(operations)
        for path in operation.meta.get("nn_module_stack", {})
        if path
    }


def _outputs(graph: fx.Graph, operations: Sequence[fx.Node]) -> tuple[int, ...]:
    (end,) = (node for node in graph.nodes if node.op == "output")
    given: Any = end.args[0]
    found = tuple(given) if isinstance(given, (tuple, list)) else (given,)
    if not found or not all(isinstance(output, fx.Node) and output in operations for output in found):
        raise OptionError("the module must give the raw output of a head, or a tuple of them, and nothing else")
    return tuple(operations.index(output) for output in found)
