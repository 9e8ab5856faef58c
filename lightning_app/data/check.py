"""Read every picture and annotation of a devkit, find what is wrong, and count what is there."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lightning_app.data.annotation import VOC_CLASSES, Annotation, leave_picture, of_no_area, read_annotation, shown
from lightning_app.data.devkit import annotation_path, check_sizes, picture_path, read_picture, read_set
from lightning_app.data.found import PARTS, as_option, remedy, set_names
from lightning_app.errors import DataError


@dataclass(frozen=True)
class CheckedPicture:
    """One picture, and what is wrong with it, a sentence each.

    Attributes:
        annotation: without the objects of classes that are not listed, but with their names; None where it cannot be
            read.
        faults: what ends a run that meets the picture.
        remarks: what a run goes on after.
    """

    annotation: Annotation | None
    faults: tuple[str, ...]
    remarks: tuple[str, ...] = ()

    @property
    def problems(self) -> tuple[str, ...]:
        """All that is wrong, but for classes that are not listed."""
        return (*self.faults, *self.remarks)


@dataclass(frozen=True)
class Counts:
    """Of some pictures.

    Attributes:
        pictures: how many there are.
        class_only: how many of them say what is in them and not where.
        objects: of each class, difficult ones too.
        difficult: how many of the objects are difficult.
        smallest: width and height in pixels of the smallest; (0, 0) where there is none.
        largest: of the largest.
    """

    pictures: int
    class_only: int
    objects: tuple[int, ...]
    difficult: int
    smallest: tuple[int, int]
    largest: tuple[int, int]


def find_sets(root: Path) -> dict[str, list[str]]:
    """The picture ids of each image set that the devkit has, such as VOC2007/test.

    Raises:
        DataError: there is no set, or one cannot be read.
    """
    names = set_names(root)
    if not names:
        raise DataError(
            f"{root} is no VOC devkit: it has no list */ImageSets/Main/{{{','.join(PARTS)}}}.txt; {remedy(root)}"
        )
    return {name: read_set(root, name) for name in names}


def check_pictures(
    root: Path, ids: list[str], classes: tuple[str, ...] = VOC_CLASSES
) -> Iterator[tuple[str, CheckedPicture]]:
    """Check pictures, several at a time: decoding them is most of the work, and is done outside Python's lock."""
    pool = ThreadPoolExecutor()
    try:
        yield from zip(ids, pool.map(lambda name: check_picture(root, name, classes), ids), strict=True)
    finally:
        pool.shutdown(cancel_futures=True)


def check_picture(root: Path, name: str, classes: tuple[str, ...] = VOC_CLASSES) -> CheckedPicture:
    """Read one picture, such as VOC2007/000001, and its annotation."""
    path, annotation = picture_path(root, name), None
    faults: list[str] = []
    remarks: list[str] = []
    try:
        annotation = read_annotation(annotation_path(root, name), classes, others="ignore")
        remarks += _boxes_outside(annotation, annotation_path(root, name))
        remarks += _boxes_of_no_area(annotation, annotation_path(root, name))
    except DataError as error:
        faults.append(str(error))
    try:
        height, width, _ = read_picture(path).shape
        if annotation is not None:
            check_sizes(path, (height, width), (annotation.height, annotation.width))
    except DataError as error:
        faults.append(str(error))
    return CheckedPicture(annotation, tuple(faults), tuple(remarks))


def _boxes_outside(annotation: Annotation, path: Path) -> list[str]:
    boxes, size = _texts(annotation, leave_picture(annotation)), f"{annotation.width}×{annotation.height}"
    return [f"{path} has the box {box} outside its {size} pixels, which begin at 1" for box in boxes]


def _boxes_of_no_area(annotation: Annotation, path: Path) -> list[str]:
    boxes = _texts(annotation, of_no_area(annotation.boxes))
    return [f"{path} has the box {box} without width or height, which counts nowhere: remove it" for box in boxes]


def _texts(annotation: Annotation, which: NDArray[np.bool_]) -> list[str]:
    return [" ".join(f"{edge:g}" for edge in box) for box in annotation.boxes[which]]


def unlisted_classes(checked: Mapping[str, CheckedPicture], classes: Sequence[str], remedy: str) -> str | None:
    """One sentence about all objects whose class is not listed; None where there is none.

    Args:
        checked: by their ids.
        classes: that are listed.
        remedy: what to type instead; ``{names}`` in it stands for the classes of all objects, as typed for an option.
    """
    counts: Counter[str] = Counter()
    first: dict[str, str] = {}
    labels: set[int] = set()
    for place, picture in checked.items():
        if picture.annotation is None:
            continue
        labels |= {*picture.annotation.labels.tolist(), *picture.annotation.class_only.tolist()}
        for name in picture.annotation.unlisted:
            counts[name] += 1
            first.setdefault(name, place)
    if not counts:
        return None
    there = [classes[label] for label in sorted(labels)] + sorted(counts)
    told = ", ".join(f"{name!r} ({counts[name]:,}, first in {first[name]})" for name in sorted(counts))
    return (
        f"{counts.total():,} object(s) are of classes that are not among {shown(classes)}: {told}; "
        f"{remedy.replace('{names}', as_option(there))}"
    )


def count(pictures: Iterable[CheckedPicture], classes: int) -> Counts:
    """Count pictures and what is in them; an annotation that cannot be read has nothing in it."""
    pictures = list(pictures)
    read = [item.annotation for item in pictures if item.annotation is not None]
    labels = np.concatenate([np.zeros(0, np.int64), *(item.labels for item in read)])  # (objects,)
    sizes = sorted(((item.width, item.height) for item in read), key=lambda size: (size[0] * size[1], size))
    return Counts(
        pictures=len(pictures),
        class_only=sum(len(item.class_only) > 0 for item in read),
        objects=tuple(np.bincount(labels, minlength=classes).tolist()),
        difficult=sum(int(item.difficult.sum()) for item in read),
        smallest=sizes[0] if sizes else (0, 0),
        largest=sizes[-1] if sizes else (0, 0),
    )
