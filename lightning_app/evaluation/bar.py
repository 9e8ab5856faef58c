"""A second bar below that of Lightning, for what comes behind the last picture."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from pytorch_lightning import Trainer
from pytorch_lightning.callbacks import RichProgressBar

Item = TypeVar("Item")


def tracked_below(trainer: Trainer, items: Iterable[Item], title: str, total: int) -> Iterator[Item]:
    """The items, with a bar where the trainer draws one: two programs cannot draw on one terminal at once.

    Args:
        trainer: whose bar is on the terminal.
        items: each is done when the next one is asked for.
        title: what is done.
        total: how many there are.
    """
    bar = trainer.progress_bar_callback
    progress = bar.progress if isinstance(bar, RichProgressBar) and bar.is_enabled else None
    if progress is None:
        yield from items
    else:
        yield from progress.track(items, total=total, description=title)
