"""A module run on two images, as it is written and as its traced operations: the outputs must be the same."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.fx.passes.shape_prop import ShapeProp

from lightning_app.errors import OptionError


def run_as_written(module: nn.Module, images: Tensor) -> Any:
    """The outputs of a module that is not traced yet, in evaluation mode.

    Raises:
        OptionError: it cannot take the images.
    """
    modes = [(part, part.training) for part in module.modules()]
    try:
        with torch.no_grad():
            return module.eval()(images.clone())
    except Exception as error:  # all that the code of others raises
        size = "×".join(map(str, images.shape))
        raise OptionError(f"{type(module).__name__} cannot take images of {size}: {error}") from error
    finally:
        for part, training in modes:
            part.training = training


def run_traced(traced: fx.GraphModule, images: Tensor) -> tuple[dict[fx.Node, tuple[int, ...] | None], Any]:
    """The shape of each operation's result, None where it is no tensor of real numbers; and the outputs."""
    training = traced.training
    with torch.no_grad():
        outputs = ShapeProp(traced.eval()).propagate(images.clone())
    traced.train(training)
    return {node: _shape(node.meta.get("tensor_meta")) for node in traced.graph.nodes}, outputs


def check_alike(module: nn.Module, written: Any, traced: Any) -> None:
    """Raise `OptionError` where the operations of a module do not give what the module gives."""
    one, other = _tensors(written), _tensors(traced)
    if [tensor.shape for tensor in one] != [tensor.shape for tensor in other] or not all(map(_close, one, other)):
        raise OptionError(
            f"{type(module).__name__} gives other outputs when torch.fx has traced it: it draws numbers, or it "
            "overwrites a part of a tensor, or one that has another name too; let it make new tensors"
        )


def _close(one: Tensor, other: Tensor) -> bool:
    return torch.allclose(one, other, equal_nan=True)


def _tensors(outputs: Any) -> list[Tensor]:
    return [output for output in (outputs if isinstance(outputs, (tuple, list)) else [outputs]) if _is_real(output)]


def _is_real(output: Any) -> bool:
    return isinstance(output, Tensor) and output.is_floating_point()


def _shape(meta: Any) -> tuple[int, ...] | None:
    """Of one tensor; several, or none, have no shape."""
    is_real = getattr(getattr(meta, "dtype", None), "is_floating_point", False)
    return tuple(meta.shape) if is_real else None
