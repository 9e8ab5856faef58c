"""What plain Lightning makes of a run that is stopped and resumed: each test fails when its fault is gone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.callbacks import ModelCheckpoint
from torch.utils.data import DataLoader

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
    pytest.mark.filterwarnings("ignore:Checkpoint directory .* exists and is not empty"),
    pytest.mark.filterwarnings("ignore:.*your dataloader is not resumable"),
]
Mended = Callable[[str], str]


class SaveAll(Callback):
    """Saves at the end of each step, and of each epoch."""

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        trainer.save_checkpoint(f"step{trainer.global_step}.ckpt", weights_only=False)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        trainer.save_checkpoint(f"epoch{trainer.current_epoch}.ckpt", weights_only=False)


def test_resumed_from_an_epochs_last_step_the_epochs_validation_is_left_out(
    workplace: Path, toy: Any, plain: Any, mended: Mended
) -> None:
    whole, resumed = toy(), toy()
    plain(SaveAll()).fit(whole)
    plain().fit(resumed, ckpt_path="step4.ckpt")
    assert whole.validated == [0]
    assert resumed.validated == [], mended("epoch_end")


def test_resumed_twice_by_steps_a_run_repeats_the_number_of_an_epoch(
    workplace: Path, toy: Any, plain: Any, mended: Mended
) -> None:
    runs = [toy() for _ in range(3)]
    for run, steps, start in zip(runs, (5, 9, 12), (None, "epoch0.ckpt", "step8.ckpt"), strict=True):
        plain(SaveAll(), max_epochs=-1, max_steps=steps).fit(run, ckpt_path=start)
    assert runs[1].epochs[0] == 1
    assert runs[2].epochs[0] == 1, mended("epoch_count")


class Saves(Callback):
    """Writes down the batch behind which each checkpoint is saved."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: Any) -> None:
        self.batches.append(trainer.fit_loop.total_batch_idx)


def test_resumed_a_checkpoint_by_steps_is_saved_in_the_middle_of_a_step(
    workplace: Path, toy: Any, plain: Any, mended: Mended
) -> None:
    first, resumed = Saves(), Saves()
    for saves, start in ((first, None), (resumed, "step=1.ckpt")):
        by_steps = ModelCheckpoint(".", "{step}", every_n_train_steps=1, save_top_k=-1)
        run = plain(saves, by_steps, accumulate_grad_batches=2, enable_checkpointing=True)
        run.fit(toy(), ckpt_path=start)
    assert first.batches == [1, 3]
    assert resumed.batches == [2, 3], mended("steps_saved")


class Placed(DataLoader[Any]):
    """Takes part in checkpoints: goes on behind the batches that were given."""

    given = 0

    def state_dict(self) -> dict[str, int]:
        return {"given": self.given}

    def load_state_dict(self, state: dict[str, int]) -> None:
        self.given = state["given"]

    def __iter__(self) -> Any:
        for number in range(self.given, 4):
            self.given = number + 1
            yield torch.ones(1, 1)
        self.given = 0


@pytest.mark.parametrize("asks", [False, True])
def test_resumed_inside_an_epoch_a_run_that_asks_for_its_steps_begins_the_epoch_anew(
    workplace: Path, toy: Any, plain: Any, mended: Mended, asks: bool
) -> None:
    class Asking(toy):  # type: ignore[misc]
        def train_dataloader(self) -> Any:
            self.loader = Placed(torch.ones(4, 1))  # type: ignore[arg-type]
            return self.loader

        def configure_optimizers(self) -> Any:
            assert not asks or self.trainer.estimated_stepping_batches == 4
            return super().configure_optimizers()

        def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
            places.append(self.loader.given)

    places: list[int] = []
    plain(SaveAll()).fit(Asking())
    places.clear()
    plain().fit(Asking(), ckpt_path="step2.ckpt")
    assert places[0] == (1 if asks else 3), mended("run_length")
