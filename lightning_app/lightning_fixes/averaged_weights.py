"""A checkpoint of weights only has the current weights instead of the averaged ones."""

from __future__ import annotations

from typing import Any

from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import WeightAveraging


def keep_averaged_weights(trainer: Trainer, module: LightningModule, checkpoint: dict[str, Any]) -> None:
    """Put the averaged weights, which validation has measured, into a checkpoint of weights only.

    Seen in Lightning 2.6.6: WeightAveraging exchanges the weights when a checkpoint is saved, and of a
    ``save_weights_only`` checkpoint Lightning does not tell any callback. This can go when it does.

    Args:
        trainer: that saves.
        module: whose weights are saved.
        checkpoint: as Lightning has made it; one with the state of a run stays as it is.
    """
    averaging = [callback for callback in trainer.callbacks if isinstance(callback, WeightAveraging)]  # type: ignore[attr-defined]
    if "optimizer_states" in checkpoint or not averaging:
        return
    averaging[0].on_save_checkpoint(trainer, module, checkpoint)
    for needless in ("current_model_state", "averaging_state"):  # for resuming
        checkpoint.pop(needless, None)
