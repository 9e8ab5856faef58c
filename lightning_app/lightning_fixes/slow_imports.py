"""Lightning and torchmetrics import two large packages that no command of this program uses."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial, wraps
from importlib import import_module
from types import ModuleType
from typing import Any

COMPILER, SIGNAL = "torch._dynamo", "scipy.signal"


class StandIn(ModuleType):
    """Has a few names of a module; asked for any other name, it makes room for the module itself."""

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
    """Import Lightning within this context: half of its time goes by otherwise for two packages.

    Seen in Lightning 2.6.6 with torch 2.13 and torchmetrics 1.9: `lightning_fabric.wrappers` imports torch's compiler
    for the sake of one ``isinstance``, and `torchmetrics` imports all of ``scipy.signal`` for one name that an audio
    package wants. In the meantime stand-ins have only these names. Afterwards both can be imported as ever, and
    ``torch.compile`` works. This can go when neither is imported any more.
    """
    compiler, signal = StandIn(COMPILER), StandIn(SIGNAL)
    vars(compiler).update(OptimizedModule=OptimizedModule, disable=_disable)
    vars(signal).update(hamming=None)
    ours = {name: module for name, module in ((COMPILER, compiler), (SIGNAL, signal)) if name not in sys.modules}
    sys.modules.update(ours)
    try:
        yield
    finally:
        for name, module in ours.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]


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
