"""Bars with the time to go, for whatever takes long: only a terminal gets them, so that logs stay short."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, TypeVar

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, track, wrap_file

Item = TypeVar("Item")


def tracked(items: Iterable[Item], title: str, total: int, alone: bool = False) -> Iterator[Item]:
    """The items, with a bar on stderr that says how many are done and how long the others will take.

    Args:
        items: each is done when the next one is asked for.
        title: what is done.
        total: how many there are.
        alone: draw between two items only, so that nothing else runs while one is timed.
    """
    console = Console(stderr=True)
    hidden = not console.is_terminal
    yield from track(items, title, total, auto_refresh=not alone, console=console, transient=True, disable=hidden)


@contextmanager
def read_tracked(file: BinaryIO, title: str, size: int) -> Iterator[BinaryIO]:
    """A file that is read with a bar on stderr."""
    console = Console(stderr=True)
    with wrap_file(
        file, size, description=title, console=console, transient=True, disable=not console.is_terminal
    ) as read:
        yield read


@contextmanager
def working(title: str, shown: bool = True) -> Iterator[None]:
    """The seconds that the `with` block has taken, on stderr, where nobody can say how many it needs.

    Args:
        title: what is done.
        shown: False draws nothing, as on all ranks but the first.
    """
    console = Console(stderr=True)
    hidden = not (shown and console.is_terminal)
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True, disable=hidden) as progress:
        progress.add_task(title, total=None)
        yield
