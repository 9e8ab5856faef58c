"""The step that Lightning logs by has no public name."""

from __future__ import annotations

from pytorch_lightning import Trainer


def logged_step(trainer: Trainer) -> int:
    """The ``trainer/global_step`` of what Lightning itself logs now; its own callbacks take it from there too.

    Seen in Lightning 2.6.6: at the end of an epoch ``trainer.global_step`` is one more than the step that its metrics
    are logged at. This can go when Lightning gives a logger's users that step.
    """
    return trainer.fit_loop.epoch_loop._batches_that_stepped
