"""A VOC devkit as a PyTorch dataset."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lightning_app.data.annotation import VOC_CLASSES, Annotation, Others, read_annotation
from lightning_app.data.augmentation import Augmentation, Crops
from lightning_app.data.check import CheckedPicture, check_picture
from lightning_app.data.devkit import (
    annotation_path,
    check_sizes,
    missing_files,
    picture_path,
    read_picture,
    read_set,
)
from lightning_app.data.examples import ExampleDataset
from lightning_app.data.resize import Resize
from lightning_app.data.set_overlap import repeated_in
from lightning_app.errors import DataError


class VOCDataset(ExampleDataset):
    """Pictures of one or more image sets of a VOC devkit.

    A picture that is listed more than once is trained on as often. Where it is measured, it counts once.

    Args:
        root: the devkit: the folder that holds VOC2007.
        sets: image sets, such as VOC2007/trainval.
        size: height and width of the network's input, in pixels.
        classes: names of the classes, in the order of their labels.
        augmentation: the random changes, drawn from (seed, epoch, index); null for ``resize`` alone.
        difficult: keep objects marked difficult, as evaluation needs and Darknet's training does not.
        boxes_needed: refuse pictures of which only the classes are known, as measuring must and training need not.
        resize: how a picture that is not augmented is brought to ``size``.
        seed: of the augmentation, at least 0.
        other_classes: ``ignore`` leaves out the objects of classes that are not listed; ``refuse`` ends the run.

    Attributes:
        repeated: ids of the pictures that are listed more than once and are here once.
    """

    def __init__(
        self,
        root: str | Path,
        sets: Sequence[str],
        size: tuple[int, int],
        classes: Sequence[str] = VOC_CLASSES,
        augmentation: Augmentation | Crops | None = None,
        difficult: bool = True,
        boxes_needed: bool = False,
        resize: Resize = "plain",
        seed: int = 0,
        other_classes: Others = "refuse",
    ) -> None:
        self.root = Path(root)
        ids = [name for part in sets for name in read_set(self.root, part)]
        self.repeated = repeated_in(ids) if boxes_needed else []
        ids = list(dict.fromkeys(ids)) if boxes_needed else ids
        super().__init__(ids, size, augmentation, difficult, resize, seed)
        self.classes, self.boxes_needed, self.other_classes = tuple(classes), boxes_needed, other_classes
        # Miss a file now, on every rank alike, and not in the middle of an epoch on one of them.
        missing = missing_files(self.root, self.ids)
        if missing:
            raise DataError(f"{missing[0]} is missing: the devkit's lists name it; complete the devkit")

    def file(self, index: int) -> Path:
        """Where a picture lies."""
        return picture_path(self.root, self.ids[index])

    def annotation(self, index: int) -> Annotation:
        """The objects of a picture.

        Raises:
            DataError: it cannot be read, or has no boxes where they are needed.
        """
        path = annotation_path(self.root, self.ids[index])
        annotation = read_annotation(path, self.classes, self.other_classes)
        if self.boxes_needed and len(annotation.class_only):
            raise DataError(_not_measurable(path))
        return annotation

    def check(self, index: int) -> CheckedPicture:
        """Read a picture and its annotation, and say all that ends a training."""
        checked = check_picture(self.root, self.ids[index], self.classes)
        if self.boxes_needed and checked.annotation is not None and len(checked.annotation.class_only):
            fault = _not_measurable(annotation_path(self.root, self.ids[index]))
            return replace(checked, faults=(*checked.faults, fault))
        return checked

    def read(self, index: int) -> tuple[Annotation, NDArray[np.uint8]]:
        """The objects of a picture, and the picture as it is stored, RGB (H, W, 3).

        Raises:
            DataError: either cannot be read, or the picture is not of the size that its boxes were drawn for.
        """
        annotation, path = self.annotation(index), self.file(index)
        image = read_picture(path)
        check_sizes(path, (image.shape[0], image.shape[1]), (annotation.height, annotation.width))
        return annotation, image


def _not_measurable(path: Path) -> str:
    return (
        f"{path} says what is in its picture and not where, so that there is nothing to measure: "
        "draw its boxes, or take the picture off the list"
    )
