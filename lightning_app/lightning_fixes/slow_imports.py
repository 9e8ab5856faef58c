"""Lightning and torchmetrics import three large packages that they hardly use: stand-ins for the time of the import."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial, wraps
from importlib import import_module
from types import ModuleType, SimpleNamespace
from typing import Any

COMPILER = "torch._dynamo"


class StandIn(ModuleType):
    """Has a few names of a module; asked for any other name, it makes room for the module itself."""

    def __init__(self, name: str, **names: object) -> None:
        super().__init__(name)
        vars(self).update(names)
        self.__names = names

    def retire(self) -> None:
        """Have no name any more: whoever has kept the stand-in gets each from the module."""
        for name in self.__names:
            delattr(self, name)

    def __getattr__(self, name: str) -> Any:
        """The module's own; but what has two underscores is asked for at every import."""
        if name.startswith("__"):
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(import_module(self.__name__), name)


class _OfCompiler(type):
    def __instancecheck__(cls, one: object) -> bool:
        """Whether one is a compiled module: nothing is, before somebody imports the compiler."""
        compiler = _compiler()
        return compiler is not None and isinstance(one, compiler.OptimizedModule)


class OptimizedModule(metaclass=_OfCompiler):
    """Stands for the compiler's class of this name where Lightning asks for its instances."""


@contextmanager
def without_slow_imports() -> Iterator[None]:
    """Import Lightning within this context: two thirds of its time go by otherwise for three packages.

    Seen in Lightning 2.6.6 with torch 2.13 and torchmetrics 1.9: `lightning_fabric.wrappers` imports torch's compiler
    for the sake of one ``isinstance``. `torchmetrics` imports all of ``scipy.signal`` for one name that an audio
    package wants, and matplotlib for the types of the figures that a metric can draw. In the meantime stand-ins have
    only these names. Afterwards all can be imported as ever, ``torch.compile`` works, and so does the ``plot`` of a
    metric. This can go when none of them is imported any more.
    """
    ours = {one.__name__: one for one in _stand_ins() if one.__name__ not in sys.modules}
    sys.modules.update(ours)
    try:
        yield
    finally:
        for name, module in ours.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]
            module.retire()


def _stand_ins() -> list[StandIn]:
    axes = StandIn("matplotlib.axes", Axes=object)
    pyplot = StandIn("matplotlib.pyplot", Figure=object, style=SimpleNamespace(context=_style))
    return [
        StandIn(COMPILER, OptimizedModule=OptimizedModule, disable=_disable),
        StandIn("scipy.signal", hamming=None),
        StandIn("matplotlib", axes=axes, pyplot=pyplot, colors=SimpleNamespace(Colormap=object)),
        axes,
        pyplot,
    ]


@contextmanager
def _style(*arguments: Any, **named: Any) -> Iterator[None]:
    """Matplotlib's context of this kind, by which metrics draw, from the time that one draws."""
    with import_module("matplotlib.pyplot").style.context(*arguments, **named):
        yield


def _compiler() -> Any:
    """The compiler, if somebody has imported it."""
    found = sys.modules.get(COMPILER)
    return None if isinstance(found, StandIn) else found


def _disable(function: Callable[..., Any] | None = None, recursive: bool = True, **options: Any) -> Any:
    """Let the compiler leave a function out, by its own ``disable``, from the time that there is a compiler."""
    if function is None:  # of a decorator with arguments
        return partial(_disable, recursive=recursive, **options)

    @wraps(function)
    def call(*arguments: Any, **named: Any) -> Any:
        compiler = _compiler()
        if compiler is None:
            return function(*arguments, **named)
        return compiler.disable(function, recursive, **options)(*arguments, **named)

    return call
