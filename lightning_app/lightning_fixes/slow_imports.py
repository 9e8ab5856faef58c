"""Lightning and torchmetrics import two large packages that no command of this program uses."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import TypeVar

Function = TypeVar("Function", bound=Callable[..., object])

COMPILER, SIGNAL = "torch._dynamo", "scipy.signal"


class _OfCompiler(type):
    def __instancecheck__(cls, one: object) -> bool:
        """Whether one is a compiled module: nothing is, before somebody imports the compiler."""
        compiler = sys.modules.get(COMPILER)
        return compiler is not None and isinstance(one, compiler.OptimizedModule)


class OptimizedModule(metaclass=_OfCompiler):
    """Stands for the compiler's class of this name where Lightning asks for its instances."""


@contextmanager
def without_slow_imports() -> Iterator[None]:
    """Import Lightning within this context: half of its time goes by otherwise for two packages.

    Seen in Lightning 2.6.6 with torch 2.13 and torchmetrics 1.9: `lightning_fabric.wrappers` imports torch's compiler
    for the sake of one ``isinstance``, and `torchmetrics` imports all of ``scipy.signal`` for one name that an audio
    package wants. In the meantime both are modules that hold only these names. Afterwards both can be imported as ever,
    and ``torch.compile`` works. This can go when neither is imported any more.
    """
    compiler, signal = ModuleType(COMPILER), ModuleType(SIGNAL)
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


def _disable(function: Function, recursive: bool = True, reason: str | None = None) -> Function:  # noqa: ARG001
    """Mark a function so that the compiler leaves it out, as the compiler's own ``disable`` marks it."""
    function._torchdynamo_disable = True  # type: ignore[attr-defined]
    return function
