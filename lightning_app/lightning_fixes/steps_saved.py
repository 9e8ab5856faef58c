"""A `ModelCheckpoint` by steps forgets, in a resumed run, that the step it resumes from is saved."""

from __future__ import annotations

from pytorch_lightning import Trainer
from pytorch_lightning.callbacks import ModelCheckpoint


def count_as_saved(trainer: Trainer) -> None:
    """Count the step that a run resumes from as saved.

    Seen in Lightning 2.6.6: `_last_global_step_saved` is not among the callback's state. With accumulated gradients the
    callback saves the same step again in the middle of the next one, whose first gradients no checkpoint holds. This
    can go when the state has the step.

    Args:
        trainer: that starts to train; without a resumption nothing changes.
    """
    for callback in trainer.checkpoint_callbacks:
        if isinstance(callback, ModelCheckpoint) and callback._every_n_train_steps > 0:
            callback._last_global_step_saved = trainer.global_step


def is_saved(trainer: Trainer, callback: ModelCheckpoint) -> bool:
    """Whether a checkpoint holds the run's last step, of which Lightning keeps a private note."""
    return bool(callback._last_global_step_saved == trainer.global_step)
