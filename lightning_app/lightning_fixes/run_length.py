"""Asked for the number of its steps, a resumed run begins its epoch anew."""

from __future__ import annotations

import math

from pytorch_lightning import Trainer


def steps_of_run(trainer: Trainer) -> float:
    """The optimiser's steps of a whole run, infinite where it has no end.

    Seen in Lightning 2.6.6: `Trainer.estimated_stepping_batches`, asked in `configure_optimizers`, makes the loader of
    the training data; its place in the epoch, which the checkpoint holds, is read later and for new loaders only. So
    the run sees the epoch's first batches again. This can go when the place is read after that question too.

    Args:
        trainer: with a data module.
    """
    steps = trainer.max_steps if trainer.max_steps != -1 else math.inf
    if trainer.max_epochs is None or trainer.max_epochs == -1:
        return steps
    batches = len(trainer.datamodule.train_dataloader())  # type: ignore[attr-defined]  # a loader that is not kept
    limit = trainer.limit_train_batches
    batches = int(batches * limit) if isinstance(limit, float) else min(batches, limit)
    return min(steps, math.ceil(batches / trainer.accumulate_grad_batches) * trainer.max_epochs)
