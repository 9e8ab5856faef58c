"""What a run does with unannotated pictures: it trains without validation, and is measured against a teacher alone."""

from __future__ import annotations

import os
from pathlib import Path

from pytorch_lightning import Callback, LightningDataModule, Trainer
from pytorch_lightning.callbacks import ModelCheckpoint

from lightning_app.criteria import Criterion
from lightning_app.errors import OptionError

INSTEAD = "give a devkit (--data VOCDataModule)"


def is_annotated(data: LightningDataModule) -> bool:
    """Whether it is known what is in the pictures; a data module that does not say so knows it."""
    return bool(getattr(data, "annotated", True))


def check_measurable(data: LightningDataModule) -> None:
    """Raise `OptionError` where there are no annotations to measure against."""
    if not is_annotated(data):
        raise OptionError(
            f"{_name(data)} has no annotations to measure against: {INSTEAD}, measure what coding changes by "
            "dfc evaluate --truth teacher, or let dfc predict write what is found"
        )


def check_trainable(criterion: Criterion, data: LightningDataModule) -> None:
    """Raise `OptionError` where a criterion, or one that it is made of, learns from boxes."""
    for part in criterion.modules():
        if isinstance(part, Criterion) and part.needs_boxes:
            raise OptionError(
                f"{type(part).__name__} learns from boxes, and {_name(data)} has none: {INSTEAD}, "
                "or a --model.criterion that needs none"
            )


def leave_out_validation(trainer: Trainer, data: LightningDataModule) -> str:
    """Train without validation: checkpoints are saved at the ends of epochs, and none goes by a measure of validation.

    Args:
        trainer: in the set-up of a fit.
        data: without annotations.

    Returns:
        a sentence that says so, and where the weights are.

    Raises:
        OptionError: a callback goes by a measure of validation, and nothing can be done without it.
    """
    callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
    waiting = [callback for callback in callbacks if _monitor(callback).startswith("val/")]
    kept = [one for one in trainer.checkpoint_callbacks if isinstance(one, ModelCheckpoint) and one not in waiting]
    for callback in waiting:
        if not isinstance(callback, ModelCheckpoint) or not kept:
            raise OptionError(
                f"{type(callback).__name__} goes by {_monitor(callback)}, and with {_name(data)} nothing is validated: "
                f"{INSTEAD}, or change it in trainer.callbacks to go by train/loss_epoch"
            )
        callbacks.remove(callback)
    trainer.limit_val_batches = 0
    for one in kept:
        one._save_on_train_epoch_end = True  # the end of a validation never comes
    return f"{_name(data)} has no annotations: nothing is validated, and {_where(kept)}"


def _where(kept: list[ModelCheckpoint]) -> str:
    """What becomes of the weights."""
    if not kept or kept[-1].dirpath is None:
        return "no checkpoint is written, because the run has no ModelCheckpoint"
    folder, name = Path(os.path.relpath(kept[-1].dirpath)), kept[-1].filename
    if name is None or "{" in name:
        return f"the weights go to the folder {folder}"
    return f"the weights go to {folder / name}{ModelCheckpoint.FILE_EXTENSION}"


def _monitor(callback: object) -> str:
    return str(getattr(callback, "monitor", None) or "")


def _name(thing: object) -> str:
    return type(thing).__name__
