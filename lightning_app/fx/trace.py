"""Trace a module with `torch.fx` into operations none of which overwrites its input.

A cut hands on what a layer gave. A later layer that overwrites it, such as ``ReLU(inplace=True)``, would change what
was sent, so that every operation gets a result of its own.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import torch
from torch import fx, nn
from torch.nn import functional as F

from lightning_app.dropout import Dropout, make_repeatable
from lightning_app.errors import OptionError

PLAIN: dict[Any, Callable[..., Any]] = {
    operator.iadd: operator.add,
    operator.isub: operator.sub,
    operator.imul: operator.mul,
    operator.itruediv: operator.truediv,
}
"""Operators that overwrite their first argument, and those that do not."""

DROPOUTS = (F.dropout, F.dropout1d, F.dropout2d, F.dropout3d, F.alpha_dropout, F.feature_alpha_dropout)


class _Tracer(fx.Tracer):
    """Keeps modules of some classes whole, beside those of torch.nn.

    Args:
        whole: the classes.
    """

    def __init__(self, whole: tuple[type[nn.Module], ...]) -> None:
        super().__init__()
        self.whole = whole

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Whether a module is one operation."""
        return isinstance(m, self.whole) or super().is_leaf_module(m, module_qualified_name)


def trace(module: nn.Module, whole: tuple[type[nn.Module], ...]) -> fx.GraphModule:
    """The operations of a module; its dropouts are replaced by ones whose draws can be repeated.

    Args:
        module: takes images (B, C, H, W); it is changed.
        whole: classes of modules that are one operation each, beside those of torch.nn.

    Raises:
        OptionError: torch.fx cannot trace the module, or an operation cannot be used here.
    """
    make_repeatable(module)
    tracer = _Tracer((*whole, Dropout))
    try:
        graph = tracer.trace(module)
    except Exception as error:  # torch.fx raises all kinds at code that depends on values
        raise OptionError(f"torch.fx cannot trace {type(module).__name__}: {error}") from error
    _check_inputs(graph, module)
    for node in list(graph.nodes):
        _check_repeatable(node)
        _give_own_result(node, module)
    return fx.GraphModule(module, graph)


def _check_inputs(graph: fx.Graph, module: nn.Module) -> None:
    names = ", ".join(str(node.target) for node in graph.nodes if node.op == "placeholder")
    if "," in names:
        raise OptionError(f"{type(module).__name__} takes {names}: wrap it in a module that takes the images only")


def _check_repeatable(node: fx.Node) -> None:
    if node.op == "call_function" and node.target in DROPOUTS:
        raise OptionError(f"{node.name} draws from the global state of torch: use the module torch.nn.Dropout")
    if node.op == "call_function" and node.target is operator.setitem:
        raise OptionError(f"{node.name} writes into a tensor, which may have been sent: build a new one instead")


def _give_own_result(node: fx.Node, module: nn.Module) -> None:
    """Make an operation that overwrites its first argument give a tensor of its own, which all later ones take."""
    if node.op == "call_function" and node.target in PLAIN:
        node.target = PLAIN[node.target]
    elif node.op == "call_function" and node.kwargs.get("inplace"):
        node.kwargs = {**node.kwargs, "inplace": False}
    elif node.op == "call_function" and _plain(node.target) is not None:
        node.target = _plain(node.target)  # type: ignore[assignment]
    elif node.op == "call_method" and str(node.target).endswith("_") and not str(node.target).endswith("__"):
        node.target = str(node.target).removesuffix("_")
    elif node.op == "call_module" and getattr(module.get_submodule(str(node.target)), "inplace", False):
        module.get_submodule(str(node.target)).inplace = False  # type: ignore[assignment]
    else:
        return
    later, passed = set(), False
    for other in node.graph.nodes:
        later |= {other} if passed else set()
        passed |= other is node
    overwritten = node.args[0]
    assert isinstance(overwritten, fx.Node)
    overwritten.replace_all_uses_with(node, delete_user_cb=later.__contains__)


def _plain(function: Any) -> Callable[..., Any] | None:
    """Of a function that overwrites, such as ``torch.relu_``, the one that does not."""
    name = getattr(function, "__name__", "")
    if not name.endswith("_") or name.endswith("__"):
        return None
    plain = name.removesuffix("_")
    return getattr(torch, plain, None) or getattr(F, plain, None)
