"""Plain Lightning, without any workaround of ours: a module of two weights, four batches an epoch."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from pytorch_lightning import LightningModule, Trainer
from torch import Tensor
from torch.utils.data import DataLoader


class Toy(LightningModule):
    """Writes down the epoch of each of its batches, and of each of its validations."""

    def __init__(self, rate: float = 0.1) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.layer = torch.nn.Linear(1, 1)
        self.epochs: list[int] = []
        self.validated: list[int] = []

    def training_step(self, batch: Tensor, batch_idx: int) -> Any:
        self.epochs.append(self.current_epoch)
        return self.layer(batch).sum()

    def validation_step(self, batch: Tensor, batch_idx: int) -> None:
        self.validated.append(self.current_epoch)
        self.log("score", -self.current_epoch)

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), self.hparams["rate"])

    def train_dataloader(self) -> Any:
        return DataLoader(torch.ones(4, 1))  # type: ignore[arg-type]

    def val_dataloader(self) -> Any:
        return DataLoader(torch.ones(1, 1))  # type: ignore[arg-type]


@pytest.fixture
def toy() -> type[Toy]:
    return Toy


@pytest.fixture
def plain(tmp_path: Path) -> Callable[..., Trainer]:
    """Lightning's own Trainer, with some callbacks and options."""

    def make(*callbacks: Any, **options: Any) -> Trainer:
        defaults = {"max_epochs": 1, "num_sanity_val_steps": 0, "logger": False, "enable_checkpointing": False}
        quiet = {"accelerator": "cpu", "enable_progress_bar": False, "enable_model_summary": False}
        return Trainer(**{**defaults, **quiet, "default_root_dir": tmp_path, "callbacks": list(callbacks), **options})

    return make


@pytest.fixture
def mended() -> Callable[[str], str]:
    """What to do when a fault is gone."""
    return "Lightning has mended this: remove lightning_app/lightning_fixes/{}.py".format
