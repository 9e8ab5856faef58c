"""Pictures for Lightning: at which size, over how many ranks and processes."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

from jsonargparse import set_parsing_settings
from pytorch_lightning import LightningDataModule
from pytorch_lightning.utilities import rank_zero_info

from lightning_app.data.annotation import Others
from lightning_app.data.augmentation import Augmentation, Crops
from lightning_app.data.before_fit import check_before_fit
from lightning_app.data.channels import check_channels
from lightning_app.data.examples import ExampleDataset
from lightning_app.data.loading import Loader, LookaheadLoader, make_loader
from lightning_app.data.multi_scale import MultiScale, draw_side
from lightning_app.data.names import read_names
from lightning_app.data.resize import Resize
from lightning_app.data.samplers import EpochSampler, EvenBatches, ShardSampler
from lightning_app.errors import OptionError

STAGES = {"fit": ("train", "val"), "validate": ("val",), "test": ("test",), "predict": ("predict",)}

# Else a config states either without its class_path, and cannot be read again.
set_parsing_settings(subclasses_enabled=[Augmentation, Crops])


class DataModule(LightningDataModule, ABC):
    """The loaders of every data module of ours; a subclass makes the datasets.

    Args:
        size: side of the network's input in pixels, a multiple of 32; null for the network's own.
        batch_size: number of training pictures per step on each rank, at least 1.
        eval_batch_size: number of pictures per step on each rank in validation, test and prediction, at least 1.
        workers: number of processes on each rank that load pictures, at least 0; results do not depend on it.
        augment: random changes of the training pictures; null for none.
        multi_scale: training at sizes that change with the optimiser's steps; null for ``size`` at every step.
        resize: way to bring pictures that are not augmented to the network's input.
        classes: names of the classes, in the order of their labels, or a file of them.
        seed: seed of the order, the sizes and the augmentation, at least 0.

    Attributes:
        other_classes: what to do with objects of classes that are not listed.
        annotated: whether it is known what is in the pictures, as measuring needs and learning from boxes.
        stages: what the datasets of each of Lightning's stages are for.
        datasets: by what they are for: ``train``, ``val``, ``test``, ``predict``.
    """

    other_classes: Others = "refuse"
    annotated: ClassVar[bool] = True
    stages: ClassVar[Mapping[str, tuple[str, ...]]] = STAGES

    def __init__(
        self,
        size: int | None,
        batch_size: int,
        eval_batch_size: int,
        workers: int,
        augment: Augmentation | Crops | None,
        multi_scale: MultiScale | None,
        resize: Resize,
        classes: str | Sequence[str],
        seed: int,
    ) -> None:
        super().__init__()
        _check(size, batch_size, eval_batch_size, workers, seed)
        self.size, self.augment, self.multi_scale, self.resize = size, augment, multi_scale, resize
        self.batch_size, self.eval_batch_size, self.workers = batch_size, eval_batch_size, workers
        self.classes = read_names(Path(classes), repeats=True) if isinstance(classes, str) else tuple(classes)
        self.seed = seed
        self.datasets: dict[str, ExampleDataset] = {}

    @abstractmethod
    def _dataset(self, part: str, size: tuple[int, int]) -> ExampleDataset:
        """The pictures for ``train``, ``val``, ``test`` or ``predict``, at (height, width) of the network's input."""

    def setup(self, stage: str | None = None) -> None:
        """Find the pictures that the stage needs; None means every stage.

        Before a training all of its pictures are read once, on rank zero.

        Raises:
            DataError: files are missing, or before a training cannot be used.
        """
        parts = [part for name in self.stages if stage in (name, None) for part in self.stages[name]]
        check_channels(self._channels())
        for part in dict.fromkeys(parts):
            self.datasets[part] = self._made(part)
        if stage == "fit" and self.trainer is not None and self._ranks()[1] == 0:
            bar = getattr(self.trainer, "progress_bar_callback", None) is not None
            datasets = [self.datasets[part] for part in parts]
            for told in check_before_fit(datasets, self.classes, self.other_classes, bar):
                rank_zero_info(told)

    def train_dataloader(self) -> Loader:
        """Shuffled, augmented, without difficult objects."""
        kind = LookaheadLoader if self._accumulated() > 1 else Loader
        return self._training_loader(*self._ranks(), kind)

    def example_dataloader(self) -> Loader:
        """The training pictures as a single process meets them, on every rank and in every stage of Lightning's.

        For what looks at some of them before a run and must find the same everywhere.
        """
        if "train" not in self.datasets:
            self.datasets["train"] = self._made("train")
        return self._training_loader(1, 0, Loader)

    def _made(self, part: str) -> ExampleDataset:
        dataset = self._dataset(part, self._input_size())
        dataset.channels = self._channels()
        return dataset

    def _training_loader(self, ranks: int, rank: int, kind: type[Loader]) -> Loader:
        dataset = self.datasets["train"]
        pictures = self.batch_size * self._accumulated()
        side_at = self._side_at(steps_an_epoch=len(dataset) // (pictures * ranks))
        sampler = EpochSampler(len(dataset), pictures, self.seed, ranks, rank, side_at)
        return make_loader(dataset, self.workers, sampler, self.batch_size, kind=kind)

    def _accumulated(self) -> int:
        # Whole optimiser steps: Lightning divides the gradients of a short accumulation as if it were whole.
        return 1 if self.trainer is None else self.trainer.accumulate_grad_batches

    def val_dataloader(self) -> Loader:
        """In order, each picture once over all ranks, in equally many batches on each."""
        dataset = self.datasets["val"]
        batches = EvenBatches(ShardSampler(len(dataset), *self._ranks()), self.eval_batch_size)
        return make_loader(dataset, self.workers, batch_sampler=batches)

    def test_dataloader(self) -> Loader:
        """In order, each picture once over all ranks; with more ranks than pictures, the first again."""
        return self._evaluation_loader("test")

    def predict_dataloader(self) -> Loader:
        """In order, each picture once over all ranks; with more ranks than pictures, the first again."""
        return self._evaluation_loader("predict")

    def _evaluation_loader(self, part: str) -> Loader:
        dataset = self.datasets[part]
        return make_loader(dataset, self.workers, ShardSampler(len(dataset), *self._ranks()), self.eval_batch_size)

    def _input_size(self) -> tuple[int, int]:
        size = self.size
        if size is None:
            if self.trainer is None:
                raise OptionError("size must be given where there is no network to take it from")
            size = self.trainer.lightning_module.network.size  # type: ignore[assignment]
        return (size, size) if isinstance(size, int) else tuple(size)  # type: ignore[arg-type, return-value]

    def _channels(self) -> int:
        """1 where the network takes grey pictures, else 3."""
        return 3 if self.trainer is None else self.trainer.lightning_module.network.channels  # type: ignore[return-value, union-attr]

    def _side_at(self, steps_an_epoch: int) -> Callable[[int], int] | None:
        """The side of the network's input at each step of the optimiser; None for the same at all."""
        if self.multi_scale is None:
            return None
        limits: Sequence[int] = ()
        if self.trainer is not None:  # -1 stands for no limit
            limits = (self.trainer.max_steps, (self.trainer.max_epochs or -1) * steps_an_epoch)
        steps = min((limit for limit in limits if limit > 0), default=None)
        return partial(draw_side, self.multi_scale, self.seed, steps=steps)

    def _ranks(self) -> tuple[int, int]:
        """How many processes share the data, and which of them this is."""
        return (1, 0) if self.trainer is None else (self.trainer.world_size, self.trainer.global_rank)


def _check(size: int | None, batch_size: int, eval_batch_size: int, workers: int, seed: int) -> None:
    if size is not None and (size < 32 or size % 32):
        raise OptionError(f"size must be a positive multiple of 32, not {size}")
    if min(batch_size, eval_batch_size) < 1:
        raise OptionError(f"batch_size and eval_batch_size must be at least 1, not {batch_size} and {eval_batch_size}")
    if min(workers, seed) < 0:
        raise OptionError(f"workers and seed must be at least 0, not {workers} and {seed}")
