"""One operation of a traced module as a layer: it takes tensors, and gives what the operation makes of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import fx, nn
from torch.fx.node import map_aggregate


@dataclass(frozen=True)
class Slot:
    """Where an argument goes: the number of an input, or the path of an attribute of the module."""

    source: int | str


class Operation(nn.Module):
    """Calls a function, a method or a module with constants and inputs in their places.

    Args:
        node: the operation.
        root: the module that was traced.
    """

    def __init__(self, node: fx.Node, root: nn.Module) -> None:
        super().__init__()
        self.kind, self.target = node.op, node.target
        sources = [source for source in node.all_input_nodes if source.op != "get_attr"]
        numbers = {source: Slot(number) for number, source in enumerate(sources)}
        constants = {s: Slot(str(s.target)) for s in node.all_input_nodes if s.op == "get_attr"}
        self.arguments = _slotted(node.args, {**numbers, **constants})
        self.options = _slotted(dict(node.kwargs), {**numbers, **constants})
        paths = [str(slot.source) for slot in constants.values()]
        # A dict hides them from torch: an owner may be the whole module, and only the constants belong to this layer.
        self.owners = {path: _owner(root, path) for path in paths}
        for number, path in enumerate(paths):
            value = self._constant(path)
            if isinstance(value, nn.Parameter):
                self.register_parameter(f"constant_{number}", value)
        self.called = root.get_submodule(str(node.target)) if node.op == "call_module" else None

    def forward(self, *inputs: Any) -> Any:
        """The inputs of the operation, in the order in which it first names them -> its result."""

        def filled(argument: Any) -> Any:
            return self._value(argument, inputs) if isinstance(argument, Slot) else argument

        arguments, options = map_aggregate(self.arguments, filled), map_aggregate(self.options, filled)
        return self._function()(*arguments, **options)

    def _function(self) -> Callable[..., Any]:
        if self.called is not None:
            return self.called
        if self.kind == "call_method":
            name = str(self.target)
            return lambda tensor, *others, **options: getattr(tensor, name)(*others, **options)
        assert callable(self.target)
        return self.target

    def _value(self, slot: Slot, inputs: Sequence[Any]) -> Any:
        if isinstance(slot.source, int):
            return inputs[slot.source]
        return self._constant(slot.source)

    def _constant(self, path: str) -> Any:
        return getattr(self.owners[path], path.rpartition(".")[2])


def _owner(root: nn.Module, path: str) -> nn.Module:
    """The module whose attribute a path names."""
    return root.get_submodule(path.rpartition(".")[0])


def _slotted(arguments: Any, slots: Mapping[fx.Node, Slot]) -> Any:
    """Arguments with slots in the places of operations, so that the layer does not hold the traced graph."""
    return fx.map_arg(arguments, lambda node: slots[node])  # type: ignore[arg-type, return-value]
