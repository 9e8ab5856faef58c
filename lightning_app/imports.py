"""Imports that the garbage collector does not look at."""

from __future__ import annotations

import gc
import sys
from importlib import import_module
from types import ModuleType


def import_for_good(name: str) -> ModuleType:
    """A module, and with it all that it imports, for good: the garbage collector does not look at them.

    It would go over all objects of a large library, such as PyTorch or matplotlib, again and again while they are
    imported, and once more at the end of the process: two of the six seconds of a short command.
    """
    if name in sys.modules or not gc.isenabled():
        return import_module(name)
    gc.disable()
    try:
        return import_module(name)
    finally:
        gc.freeze()
        gc.enable()
