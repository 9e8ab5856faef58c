"""The checkpoints of a run that replace those of an earlier run, and that are there at its end."""

from __future__ import annotations

from itertools import count
from pathlib import Path

from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.utilities import rank_zero_info

from lightning_app.lightning_fixes.steps_saved import is_saved


class EarlierRuns(Callback):
    """Moves the checkpoints of an earlier run to a folder beside theirs, where the new run would replace one of them.

    Lightning calls `setup` once the data are found and read: a mistake in their options moves nothing.
    """

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:  # noqa: ARG002
        """Look into the folder of each checkpoint."""
        if trainer.is_global_zero:
            for path in _fixed_paths(trainer):
                _keep(path)


def save_last(trainer: Trainer) -> None:
    """Save each checkpoint of a fixed name that does not hold the run's last step, as all ranks must at once.

    Args:
        trainer: at the end of a fit.
    """
    for path, callback in _fixed_paths(trainer).items():
        if trainer.global_step > 0 and not is_saved(trainer, callback):
            trainer.save_checkpoint(path, weights_only=False)  # the optimiser too, so that it can be resumed
            rank_zero_info(f"Saved {path} at the end: this run had no validation behind its last step.")


def _fixed_paths(trainer: Trainer) -> dict[Path, ModelCheckpoint]:
    """The checkpoints whose names stay the same from save to save, and what writes them."""
    found = {}
    for callback in trainer.checkpoint_callbacks:
        if isinstance(callback, ModelCheckpoint) and callback.dirpath and "://" not in str(callback.dirpath):
            name = callback.filename
            if name and "{" not in name:
                found[Path(callback.dirpath) / f"{name}.ckpt"] = callback
    return found


def _keep(path: Path) -> None:
    if not path.exists():
        return
    folder = path.parent
    beside = (folder.with_name(f"{folder.name}-{number}") for number in count(1))
    kept = next(one for one in beside if not one.exists())
    kept.mkdir()
    for checkpoint in sorted(folder.glob("*.ckpt")):
        checkpoint.rename(kept / checkpoint.name)
    rank_zero_info(f"{folder} held the checkpoints of an earlier run: they are kept in {kept}.")
