"""A checkpoint that was saved at an epoch's last step resumes without the epoch's validation."""

from __future__ import annotations

from typing import Any

from pytorch_lightning import Trainer

_BEGUN = {"ready": 1, "started": 1, "processed": 0, "completed": 0}


def end_the_epoch(trainer: Trainer, loop: dict[str, Any]) -> None:
    """Change the state of a fit loop that stands at an epoch's last step, so that the epoch ends as always.

    Seen in Lightning 2.6.6: it saves by steps before it counts the batch as completed. Resumed from an epoch's last
    step, it leaves out the epoch's validation, and counts one epoch too few from then on: a second stop would cost one
    epoch more. Here that batch is completed. What comes next is the validation, from its start, or the next epoch. This
    can go when such a run validates and ends with the epochs of a run that was not stopped.

    Args:
        trainer: that resumes.
        loop: ``checkpoint["loops"]["fit_loop"]``; any other state of it stays as it is.
    """
    if not _is_at_the_end(loop):
        return
    batches, epochs = loop["epoch_loop.batch_progress"], loop["epoch_progress"]
    validates = _is_validation_due(trainer, loop)
    for count in ("total", "current"):
        batches[count]["completed"] += 1
        epochs[count]["processed"] += not validates
    if validates:
        begun = {"total": {**_BEGUN}, "current": {**_BEGUN}, "is_last_batch": False}
        loop["epoch_loop.val_loop.batch_progress"] = begun
    else:
        loop["epoch_loop.state_dict"]["_batches_that_stepped"] += 1


def _is_at_the_end(loop: dict[str, Any]) -> bool:
    """Whether the state was saved by steps, at the last step of an epoch."""
    batches, epochs = loop["epoch_loop.batch_progress"], loop["epoch_progress"]
    saved_by_step = batches["total"]["completed"] == batches["total"]["processed"] - 1
    in_the_epoch = epochs["total"]["processed"] == epochs["total"]["started"] - 1
    return bool(batches["is_last_batch"] and saved_by_step and in_the_epoch)


def _is_validation_due(trainer: Trainer, loop: dict[str, Any]) -> bool:
    """Whether a validation follows the epoch's last step, as Lightning has it (``_should_check_val_fx``)."""
    interval, every = trainer.val_check_interval, trainer.check_val_every_n_epoch
    if not trainer.enable_validation or not isinstance(interval, int | float):  # a span of time begins anew
        return False
    if every is not None and (loop["epoch_progress"]["current"]["processed"] + 1) % every:
        return False
    batches = loop["epoch_loop.batch_progress"]["total" if every is None else "current"]["ready"]
    period = interval if isinstance(interval, int) else max(1, int(interval * batches))
    return bool(batches % period == 0)
