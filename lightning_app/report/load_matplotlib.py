"""Matplotlib without the help texts that it makes for its classes, a quarter of the time that it takes to import.

While it is imported, it lists the options of each class in the documentation of its ``set``. No figure needs them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from lightning_app.imports import import_for_good


def load_matplotlib() -> None:
    """Import what draws figures, unless matplotlib is there already."""
    if "matplotlib" not in sys.modules:
        import_for_good("matplotlib.artist")
        with _without_help():
            import_for_good("lightning_app.report.canvas")


@contextmanager
def _without_help() -> Iterator[None]:
    """For the time of an import, what lists options gives nothing."""
    from matplotlib import artist

    nothing: dict[tuple[Any, str], Callable[..., object]] = {
        (artist, "kwdoc"): lambda _: "",
        (artist.Artist, "_update_set_signature_and_docstring"): lambda: None,
    }
    before = {(owner, name): vars(owner)[name] for owner, name in nothing if name in vars(owner)}
    for owner, name in before:
        setattr(owner, name, nothing[owner, name])
    try:
        yield
    finally:
        for (owner, name), function in before.items():
            setattr(owner, name, function)
