"""A VOC devkit as a PyTorch dataset, whose samples depend on (seed, epoch, index) and nothing else."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, TypedDict

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from lightning_app.boxes import voc_to_xyxy, xyxy_to_cxcywh
from lightning_app.data.annotation import VOC_CLASSES, Annotation, read_annotation
from lightning_app.data.transforms import SMALLEST, Augmentation, augment, evaluation_transform, training_transform
from lightning_app.errors import DataError, OptionError


class Key(NamedTuple):
    """What a training sampler asks for: a picture, and the epoch that its augmentation is drawn for."""

    epoch: int
    index: int  # type: ignore[assignment]


class Target(TypedDict):
    """What is known of one picture; rows of G objects belong together."""

    boxes: Tensor  # (G, 4) cxcywh, fractions of the network's input
    labels: Tensor  # (G,) int64
    difficult: Tensor  # (G,) bool
    voc_boxes: Tensor  # (G, 4) xyxy, the original's VOC pixels
    index: int  # place in the dataset
    id: str  # "VOC2007/000001"
    size: tuple[int, int]  # height, width of the original, in pixels


class Sample(TypedDict):
    """One picture, as the network takes it, and its target."""

    image: Tensor  # (3, H, W) float32 in [0, 1]
    target: Target


class Batch(TypedDict):
    """B samples."""

    images: Tensor  # (B, 3, H, W) float32 in [0, 1]
    targets: list[Target]


def collate(samples: Sequence[Sample]) -> Batch:
    """Join samples of one size; the targets stay a list, since pictures have different numbers of objects."""
    return {
        "images": torch.stack([sample["image"] for sample in samples]),  # (B, 3, H, W)
        "targets": [sample["target"] for sample in samples],
    }


def read_set(root: Path, name: str) -> list[str]:
    """The picture ids, such as ``VOC2007/000001``, of an image set, such as ``VOC2007/test``.

    Raises:
        DataError: there is no such list, or it is empty.
    """
    year, _, part = name.partition("/")
    if not year or not part:
        raise OptionError(f"an image set is named like VOC2007/test, not {name!r}")
    inside = f"{year}/ImageSets/Main/{part}.txt"
    try:
        lines = (root / inside).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise DataError(
            f"{root} is no VOC devkit: it has no {inside}; give the folder that holds {year}, usually VOCdevkit"
        ) from None
    # The lists of single classes have a second column, and some tools end a list with blank lines.
    ids = [f"{year}/{line.split()[0]}" for line in lines if line.strip()]
    if not ids:
        raise DataError(f"{root / inside} lists no pictures")
    return ids


def read_picture(path: Path) -> NDArray[np.uint8]:
    """Read a picture of any colour mode as RGB (H, W, 3).

    An EXIF orientation is left alone: VOC's boxes are in the coordinates of the pixels as they are stored.

    Raises:
        DataError: the picture is absent, broken or cut short.
    """
    try:
        with Image.open(path) as picture:
            # By way of RGBA, since Pillow warns of transparent palettes otherwise.
            stored = picture.convert("RGBA") if picture.mode == "P" else picture
            return np.array(stored.convert("RGB"))
    except Exception as error:  # Pillow's decoders raise a dozen unrelated types on broken files
        raise DataError(f"{path} cannot be read as a picture: {' '.join(str(error).split())}") from error


class VOCDataset(Dataset[Sample]):
    """Pictures of one or more image sets of a VOC devkit.

    Args:
        root: the devkit: the folder that holds VOC2007.
        sets: image sets, such as VOC2007/trainval.
        size: height and width of the network's input, in pixels.
        classes: names of the classes, in the order of their labels.
        augmentation: the random changes, drawn from (seed, epoch, index); null for the plain resize.
        difficult: keep objects marked difficult, as evaluation needs and Darknet's training does not.
        seed: of the augmentation, at least 0.
    """

    def __init__(
        self,
        root: str | Path,
        sets: Sequence[str],
        size: tuple[int, int],
        classes: Sequence[str] = VOC_CLASSES,
        augmentation: Augmentation | None = None,
        difficult: bool = True,
        seed: int = 0,
    ) -> None:
        self.root = Path(root)
        self.ids = [name for part in sets for name in read_set(self.root, part)]
        self.classes = tuple(classes)
        self.difficult = difficult
        self.seed = seed
        self.augments = augmentation is not None
        self._check_files()
        self.transform = training_transform(size, augmentation) if augmentation else evaluation_transform(size)

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, key: int | Key) -> Sample:
        epoch, index = key if isinstance(key, Key) else Key(0, key)
        annotation, image = self.read(index)
        voc_boxes = torch.from_numpy(annotation.boxes)
        size = annotation.height, annotation.width
        boxes = voc_to_xyxy(voc_boxes.double(), size)
        rows = self._rows(annotation, boxes)
        if self.augments:
            image, moved, kept = augment(self.transform, image, boxes[rows].numpy(), (self.seed, epoch, index))
            boxes, rows = torch.from_numpy(moved), rows[kept]
        else:
            image, boxes = self.transform(image=image)["image"], boxes[rows]
        return {
            "image": torch.from_numpy(image).permute(2, 0, 1).float() / 255,  # (3, H, W)
            "target": {
                "boxes": xyxy_to_cxcywh(boxes).float(),
                "labels": torch.from_numpy(annotation.labels[rows]),
                "difficult": torch.from_numpy(annotation.difficult[rows]),
                "voc_boxes": voc_boxes[rows],
                "index": index,
                "id": self.ids[index],
                "size": size,
            },
        }

    def _rows(self, annotation: Annotation, boxes: Tensor) -> NDArray[np.int64]:
        """Which objects to keep: evaluation all, training those that are neither difficult nor a pixel thin."""
        thin = (boxes[:, 2:] - boxes[:, :2] < SMALLEST).any(dim=1).numpy()  # (G,)
        return np.flatnonzero(self.difficult | ~(annotation.difficult | thin))

    def _check_files(self) -> None:
        """Miss a file now, on every rank alike, and not in the middle of an epoch on one of them."""
        there: dict[Path, set[str]] = {}
        for index in range(len(self.ids)):
            for path in (self._path(index, "JPEGImages", ".jpg"), self._path(index, "Annotations", ".xml")):
                if path.parent not in there:
                    there[path.parent] = {p.name for p in path.parent.iterdir()} if path.parent.is_dir() else set()
                if path.name not in there[path.parent]:
                    raise DataError(f"{path} is missing: the devkit's lists name it; complete the devkit")

    def annotation(self, index: int) -> Annotation:
        """The objects of a picture."""
        return read_annotation(self._path(index, "Annotations", ".xml"), self.classes)

    def read(self, index: int) -> tuple[Annotation, NDArray[np.uint8]]:
        """The objects of a picture, and the picture as it is stored, RGB (H, W, 3).

        Raises:
            DataError: either cannot be read, or the picture is not of the size that its boxes were drawn for.
        """
        annotation, path = self.annotation(index), self._path(index, "JPEGImages", ".jpg")
        image = read_picture(path)
        if image.shape[:2] != (annotation.height, annotation.width):
            raise DataError(
                f"{path} has {image.shape[1]}×{image.shape[0]} pixels where its annotation says "
                f"{annotation.width}×{annotation.height}: its boxes would be wrong"
            )
        return annotation, image

    def _path(self, index: int, folder: str, suffix: str) -> Path:
        year, name = self.ids[index].split("/", 1)
        return self.root / year / folder / f"{name}{suffix}"
