"""What Lightning's loops make of a checkpoint that was saved at the last step of an epoch."""

from __future__ import annotations

from typing import Any

from pytorch_lightning import Trainer

_BEGUN = {"ready": 1, "started": 1, "processed": 0, "completed": 0}


def is_validation_due(trainer: Trainer, loop: dict[str, Any]) -> bool:
    """Whether a validation follows an epoch's last step, as Lightning has it (``_should_check_val_fx``).

    Args:
        trainer: that resumes.
        loop: ``checkpoint["loops"]["fit_loop"]``.
    """
    interval, every = trainer.val_check_interval, trainer.check_val_every_n_epoch
    if not trainer.enable_validation or not isinstance(interval, int | float):  # a span of time begins anew
        return False
    if every is not None and (loop["epoch_progress"]["current"]["processed"] + 1) % every:
        return False
    batches = loop["epoch_loop.batch_progress"]["total" if every is None else "current"]["ready"]
    period = interval if isinstance(interval, int) else max(1, int(interval * batches))
    return bool(batches % period == 0)


def end_the_epoch(loop: dict[str, Any], validates: bool) -> None:
    """Change the state of a ``fit_loop`` that stands at an epoch's last step so that the epoch ends as always.

    Lightning saves by steps before it counts the batch as completed. Resumed from the last one of an epoch, it leaves
    out the epoch's validation, and counts one epoch less from then on: a second stop would cost one epoch more. Here
    that batch is completed, and what comes next is the validation, from its start, or the next epoch.

    Args:
        loop: ``checkpoint["loops"]["fit_loop"]``; any other state of it stays as it is.
        validates: whether a validation follows this epoch.
    """
    batches, epochs = loop["epoch_loop.batch_progress"], loop["epoch_progress"]
    saved_by_step = batches["total"]["completed"] == batches["total"]["processed"] - 1
    in_the_epoch = epochs["total"]["processed"] == epochs["total"]["started"] - 1
    if not (batches["is_last_batch"] and saved_by_step and in_the_epoch):
        return
    for count in ("total", "current"):
        batches[count]["completed"] += 1
        epochs[count]["processed"] += not validates
    if validates:
        begun = {"total": {**_BEGUN}, "current": {**_BEGUN}, "is_last_batch": False}
        loop["epoch_loop.val_loop.batch_progress"] = begun
    else:
        loop["epoch_loop.state_dict"]["_batches_that_stepped"] += 1
