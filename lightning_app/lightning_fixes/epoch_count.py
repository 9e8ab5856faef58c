"""A run by ``max_steps`` that was resumed goes back by an epoch when it is resumed again."""

from __future__ import annotations

from pytorch_lightning import Trainer


def count_epochs_alike(trainer: Trainer) -> None:
    """Let a run by ``max_steps`` count its epochs as a run by ``max_epochs`` does.

    Seen in Lightning 2.6.6: with ``max_steps`` its fit loop takes every epoch for a resumed one, and does not bring its
    counts of epochs together when a run begins again. Resumed from the end of an epoch, and then from the last step of
    a later one, a run repeats the number of an epoch: its pictures come in the order of the epoch before. This can go
    when such a run has the epochs of a run that was not stopped.

    Args:
        trainer: before it fits.
    """
    trainer.fit_loop._iteration_based_training = lambda: False  # type: ignore[method-assign]
