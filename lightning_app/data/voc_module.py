"""VOC for Lightning: which sets."""

from collections.abc import Sequence
from pathlib import Path

from pytorch_lightning.utilities import rank_zero_info

from lightning_app.data.annotation import VOC_CLASSES, Others
from lightning_app.data.augmentation import DARKNET, Augmentation, Crops
from lightning_app.data.devkit import read_set
from lightning_app.data.module import DataModule
from lightning_app.data.multi_scale import MultiScale
from lightning_app.data.resize import Resize
from lightning_app.data.voc import VOCDataset

DOES = {"train": "training", "val": "validating", "test": "testing", "predict": "predicting"}


class VOCDataModule(DataModule):
    """Pictures and boxes from a VOC devkit, or from anything laid out like one.

    Args:
        root: the devkit: the folder that holds VOC2007.
        train: image sets to train on; those of a year that root does not have are left out, and a line says so.
        val: image sets to validate on during training.
        test: image sets to test on.
        predict: image sets to predict on.
        size: side of the network's input in pixels, a multiple of 32; null for the network's own.
        batch_size: number of training pictures per step on each rank, at least 1; Darknet's batch of 64 is 8
            steps of 8.
        eval_batch_size: number of pictures per step on each rank in validation, test and prediction, at least 1.
        workers: number of processes on each rank that load pictures, at least 0; results do not depend on it.
        augment: random changes of the training pictures: Darknet's; by the class path ``Crops``, only crops and flips;
            null for none.
        multi_scale: training at sizes that change with the optimiser's steps; null for ``size`` at every step.
        resize: way to bring pictures that are not augmented to the network's input: ``plain`` stretches them over
            it, ``letterbox`` keeps their aspect ratio in the middle of a grey input, as Darknet since April 2017.
        classes: names of the classes, in the order of their labels, or a file of them: ``.names``, one per line, or the
            ``.tree`` of a YOLO9000.
        seed: seed of the order, the sizes and the augmentation, at least 0.
        other_classes: objects of classes that ``classes`` does not list: ``refuse`` ends the run, ``ignore`` leaves
            them out, so that they are background in training and no object in measuring.
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
        other_classes: Others = "refuse",
    ) -> None:
        super().__init__(size, batch_size, eval_batch_size, workers, augment, multi_scale, resize, classes, seed)
        self.root, self.other_classes = root, other_classes
        self.sets = {"train": tuple(train), "val": tuple(val), "test": tuple(test), "predict": tuple(predict)}

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
            other_classes=self.other_classes,
        )
        if absent:
            rank_zero_info(
                f"{', '.join(absent)} is not in {self.root}: {DOES[part]} on {', '.join(sets)} only, "
                f"{len(dataset)} pictures"
            )
        if dataset.repeated:
            rank_zero_info(
                f"{', '.join(sets)} lists {len(dataset.repeated):,} picture(s) more than once, the first is "
                f"{dataset.repeated[0]}: each counts once"
            )
        return dataset


def split_present(root: Path, sets: Sequence[str]) -> tuple[list[str], list[str]]:
    """The sets whose year is in the devkit, and the years that are not.

    Raises:
        DataError: none is there, or a year is there without the list that is asked for.
    """
    there = [name for name in sets if (root / name.split("/")[0]).is_dir()]
    for name in there or sets:
        read_set(root, name)
    return there, sorted({name.split("/")[0] for name in sets if name not in there})
