"""VOC for Lightning: which sets, at which size, over how many ranks and processes."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from jsonargparse import set_parsing_settings
from pytorch_lightning import LightningDataModule
from pytorch_lightning.utilities import rank_zero_info

from lightning_app.data.annotation import VOC_CLASSES
from lightning_app.data.augmentation import DARKNET, Augmentation, Crops
from lightning_app.data.devkit import read_set
from lightning_app.data.loading import Loader, LookaheadLoader, make_loader
from lightning_app.data.multi_scale import MultiScale, draw_side
from lightning_app.data.names import read_names
from lightning_app.data.resize import Resize
from lightning_app.data.samplers import EpochSampler, EvenBatches, ShardSampler
from lightning_app.data.voc import VOCDataset
from lightning_app.errors import OptionError

STAGES = {"fit": ("train", "val"), "validate": ("val",), "test": ("test",), "predict": ("predict",)}
# Else a config states either without its class_path, and cannot be read again.
set_parsing_settings(subclasses_enabled=[Augmentation, Crops])
DOES = {"train": "training", "val": "validating", "test": "testing", "predict": "predicting"}


class VOCDataModule(LightningDataModule):
    """Pictures and boxes from a VOC devkit, or from anything laid out like one.

    Args:
        root: the devkit: the folder that holds VOC2007.
        train: image sets to train on; those of a year that root does not have are left out, which a line tells.
        val: image sets to validate on during training.
        test: image sets to test on.
        predict: image sets to predict on.
        size: side of the network's input in pixels, a multiple of 32; null for the network's own.
        batch_size: training pictures a step on each rank, at least 1; Darknet's batch of 64 is 8 steps of 8.
        eval_batch_size: pictures a step on each rank in validation, test and prediction, at least 1.
        workers: processes on each rank that load pictures, at least 0; results do not depend on it.
        augment: random changes of the training pictures: Darknet's; by the class path ``Crops``, crops and flips alone;
            null for none.
        multi_scale: training at sizes that change with the optimiser's steps; null for ``size`` at every step.
        resize: how pictures that are not augmented are brought to the network's input: ``plain`` stretches them over
            it, ``letterbox`` keeps their aspect ratio in the middle of a grey input, as Darknet since April 2017.
        classes: names of the classes, in the order of their labels, or a file of them: ``.names``, one a line, or the
            ``.tree`` of a YOLO9000.
        seed: of the order, the sizes and the augmentation, at least 0.
    """

    def __init__(
        self,
        root: str,
        train: Sequence[str] = ("VOC2007/trainval", "VOC2012/trainval"),
        val: Sequence[str] = ("VOC2007/test",),
        test: Sequence[str] = ("VOC2007/test",),
        predict: Sequence[str] = ("VOC2007/test",),
        size: int | None = None,
        batch_size: int = 8,
        eval_batch_size: int = 16,
        workers: int = 2,
        augment: Augmentation | Crops | None = DARKNET,
        multi_scale: MultiScale | None = None,
        resize: Resize = "plain",
        classes: str | Sequence[str] = VOC_CLASSES,
        seed: int = 0,
    ) -> None:
        super().__init__()
        _check(size, batch_size, eval_batch_size, workers, seed)
        self.root = root
        self.sets = {"train": tuple(train), "val": tuple(val), "test": tuple(test), "predict": tuple(predict)}
        self.size, self.augment, self.multi_scale, self.resize = size, augment, multi_scale, resize
        self.batch_size, self.eval_batch_size, self.workers = batch_size, eval_batch_size, workers
        self.classes = read_names(Path(classes)) if isinstance(classes, str) else tuple(classes)
        self.seed = seed
        self.datasets: dict[str, VOCDataset] = {}

    def setup(self, stage: str | None = None) -> None:
        """Read the lists of the pictures that the stage needs; None means every stage."""
        parts = self.sets if stage is None else STAGES[stage]
        size = self._input_size()
        for part in parts:
            self.datasets[part] = self._dataset(part, size)

    def train_dataloader(self) -> Loader:
        """Shuffled, augmented, without difficult objects."""
        dataset = self.datasets["train"]
        # Whole optimiser steps: Lightning divides the gradients of a short accumulation as if it were whole.
        accumulated = 1 if self.trainer is None else self.trainer.accumulate_grad_batches
        pictures, (ranks, rank) = self.batch_size * accumulated, self._ranks()
        side_at = self._side_at(steps_an_epoch=len(dataset) // (pictures * ranks))
        sampler = EpochSampler(len(dataset), pictures, self.seed, ranks, rank, side_at)
        kind = LookaheadLoader if accumulated > 1 else Loader
        return make_loader(dataset, self.workers, sampler, self.batch_size, kind=kind)

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

    def _dataset(self, part: str, size: tuple[int, int]) -> VOCDataset:
        training = part == "train"
        sets, absent = split_present(Path(self.root), self.sets[part])
        dataset = VOCDataset(
            self.root,
            sets,
            size,
            self.classes,
            augmentation=self.augment if training else None,
            difficult=not training,
            boxes_needed=part in ("val", "test"),
            resize=self.resize,
            seed=self.seed,
        )
        if absent:
            rank_zero_info(
                f"{', '.join(absent)} is not in {self.root}: {DOES[part]} on {', '.join(sets)} only, "
                f"{len(dataset)} pictures"
            )
        return dataset

    def _input_size(self) -> tuple[int, int]:
        size = self.size
        if size is None:
            if self.trainer is None:
                raise OptionError("size must be given where there is no network to take it from")
            size = self.trainer.lightning_module.network.size  # type: ignore[assignment]
        return (size, size) if isinstance(size, int) else tuple(size)  # type: ignore[arg-type, return-value]

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


def split_present(root: Path, sets: Sequence[str]) -> tuple[list[str], list[str]]:
    """The sets whose year is in the devkit, and the years that are not.

    Raises:
        DataError: none is there, or a year is there without the list that is asked for.
    """
    there = [name for name in sets if (root / name.split("/")[0]).is_dir()]
    for name in there or sets:
        read_set(root, name)
    return there, sorted({name.split("/")[0] for name in sets if name not in there})


def _check(size: int | None, batch_size: int, eval_batch_size: int, workers: int, seed: int) -> None:
    if size is not None and (size < 32 or size % 32):
        raise OptionError(f"size must be a positive multiple of 32, not {size}")
    if min(batch_size, eval_batch_size) < 1:
        raise OptionError(f"batch_size and eval_batch_size must be at least 1, not {batch_size} and {eval_batch_size}")
    if min(workers, seed) < 0:
        raise OptionError(f"workers and seed must be at least 0, not {workers} and {seed}")
