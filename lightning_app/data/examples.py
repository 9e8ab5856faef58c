"""Pictures and what is known of them as a PyTorch dataset: each example depends on (seed, epoch, index, size) only."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, NotRequired, TypedDict

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from lightning_app.boxes import WHOLE, Window, picture_to_input, voc_to_xyxy, xyxy_to_cxcywh
from lightning_app.data.annotation import Annotation, of_no_area
from lightning_app.data.augmentation import SMALLEST, Augmentation, Crops
from lightning_app.data.channels import as_channels
from lightning_app.data.check import CheckedPicture
from lightning_app.data.resize import Resize, fit_picture
from lightning_app.errors import DataError


class Key(NamedTuple):
    """What a training sampler asks for: a picture, the epoch that its augmentation is drawn for, and its size.

    ``side`` is that of the network's input at the step that the picture is for, in pixels; None for the dataset's own.
    """

    epoch: int
    index: int  # type: ignore[assignment]
    side: int | None = None


class Target(TypedDict):
    """What is known of one picture; rows of G objects belong together."""

    boxes: Tensor  # (G, 4) cxcywh, fractions of the network's input
    labels: Tensor  # (G,) int64
    difficult: Tensor  # (G,) bool
    voc_boxes: Tensor  # (G, 4) xyxy, the original's VOC pixels
    class_only: Tensor  # (J,) int64 labels of what is somewhere in the picture, nobody drew where; then G is 0
    window: Window  # where evaluation puts the picture in the network's input; all of it after augmentation
    fixed: bool  # the same image comes in every epoch: neither its augmentation nor its size is drawn
    index: int  # place in the dataset
    id: str  # "VOC2007/000001"
    file: str  # path of the original
    size: tuple[int, int]  # height, width of the original, in pixels


class Example(TypedDict):
    """One picture, as the network takes it, and its target."""

    image: Tensor  # (3, H, W), or (1, H, W) for a network of grey pictures, float32 in [0, 1]
    target: Target


class Batch(TypedDict):
    """B examples."""

    images: Tensor  # (B, 3, H, W), or (B, 1, H, W) for a network of grey pictures, float32 in [0, 1]
    targets: list[Target]
    following: NotRequired["Batch"]  # the batch after it, in training that accumulates gradients


def to_tensor(image: NDArray[np.uint8], channels: int = 3) -> Tensor:
    """A picture (H, W, 3) -> (channels, H, W) float32 in [0, 1]; of a grey picture's equal channels the first."""
    return torch.from_numpy(image[..., :channels]).permute(2, 0, 1).float() / 255  # (channels, H, W)


def collate(examples: Sequence[Example]) -> Batch:
    """Join examples of one size; the targets stay a list, since pictures have different numbers of objects."""
    return {
        "images": torch.stack([example["image"] for example in examples]),  # (B, 3, H, W)
        "targets": [example["target"] for example in examples],
    }


class ExampleDataset(Dataset[Example], ABC):
    """Pictures, each with its objects; a subclass says where they lie and reads them.

    Args:
        ids: what each picture is called.
        size: height and width of the network's input, in pixels.
        augmentation: the random changes, drawn from (seed, epoch, index); null for ``resize`` alone.
        difficult: keep objects marked difficult, as evaluation needs and Darknet's training does not.
        resize: how a picture that is not augmented is brought to ``size``.
        seed: of the augmentation, at least 0.

    Attributes:
        channels: that the network takes, 3 for colour or 1 for grey pictures; a `DataModule` sets them.
    """

    channels = 3

    def __init__(
        self,
        ids: Sequence[str],
        size: tuple[int, int],
        augmentation: Augmentation | Crops | None,
        difficult: bool,
        resize: Resize,
        seed: int,
    ) -> None:
        self.ids = list(ids)
        self.size, self.resize = size, resize
        self.augmentation, self.difficult, self.seed = augmentation, difficult, seed

    @abstractmethod
    def file(self, index: int) -> Path:
        """Where a picture lies."""

    @abstractmethod
    def read(self, index: int) -> tuple[Annotation, NDArray[np.uint8]]:
        """The objects of a picture, and the picture as it is stored, RGB (H, W, 3).

        Raises:
            DataError: either cannot be read, or the two do not belong together.
        """

    def check(self, index: int) -> CheckedPicture:
        """Read a picture to see whether a training can."""
        try:
            return CheckedPicture(self.read(index)[0], ())
        except DataError as error:
            return CheckedPicture(None, (str(error),))

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, key: int | Key) -> Example:
        epoch, index, side = key if isinstance(key, Key) else Key(0, key)
        annotation, image = self.read(index)
        image = as_channels(image, self.channels)
        voc_boxes = torch.from_numpy(annotation.boxes)
        original = annotation.height, annotation.width
        boxes = voc_to_xyxy(voc_boxes.double(), original).clamp(0, 1)  # the metric has them as they were drawn
        rows = self._rows(annotation, boxes)
        size = self.size if side is None else (side, side)
        if self.augmentation is not None:
            from lightning_app.data.transforms import augment, training_transform  # a second, the first time

            transform = training_transform(size, self.augmentation)
            image, moved, kept = augment(transform, image, boxes[rows].numpy(), (self.seed, epoch, index))
            boxes, rows, window = torch.from_numpy(moved), rows[kept], WHOLE
        else:
            image, window = fit_picture(image, size, self.resize)
            boxes = picture_to_input(boxes[rows], window)
        return {
            "image": to_tensor(image, self.channels),
            "target": {
                "boxes": xyxy_to_cxcywh(boxes).float(),
                "labels": torch.from_numpy(annotation.labels[rows]),
                "difficult": torch.from_numpy(annotation.difficult[rows]),
                "voc_boxes": voc_boxes[rows],
                "class_only": torch.from_numpy(annotation.class_only),
                "window": window,
                "fixed": self.augmentation is None and side is None,
                "index": index,
                "id": self.ids[index],
                "file": str(self.file(index)),
                "size": original,
            },
        }

    def _rows(self, annotation: Annotation, boxes: Tensor) -> NDArray[np.int64]:
        """Which objects to keep: evaluation all with an area, training those neither difficult nor a pixel thin."""
        thin = (boxes[:, 2:] - boxes[:, :2] < SMALLEST).any(dim=1).numpy()  # (G,)
        return np.flatnonzero(~of_no_area(annotation.boxes) & (self.difficult | ~(annotation.difficult | thin)))
