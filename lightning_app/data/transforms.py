"""The augmentations as albumentations transforms.

This module alone imports albumentations and OpenCV.
"""

import os
import random
from typing import Any

# albumentations asks PyPI for a newer release on import unless told not to.
os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"

import albumentations as A  # type: ignore[import-untyped]
import cv2
import numpy as np
from numpy.typing import NDArray

from lightning_app.data.augmentation import DARKNET, Augmentation, Crops, Placement

Picture = NDArray[np.uint8]  # (H, W, 3) RGB
Boxes = NDArray[np.float64]  # (G, 4) xyxy fractions
GREY = 128  # Darknet's .5
SMALLEST = 0.001  # Darknet drops boxes narrower or lower than this fraction of the input


def to_grey(image: Picture) -> Picture:
    """An RGB picture (H, W, 3) as a grey one of three equal channels: 0.299 R + 0.587 G + 0.114 B.

    It is OpenCV's grey, as AlexeyAB's Darknet reads a picture for ``channels=1`` when it is built with OpenCV
    (``load_image_cv`` of ``src/image_opencv.cpp``). Built without, it has stb_image's, 77, 150 and 29 of 256, cut to
    whole numbers. Both are at most one level away, as OpenCV leaves the rounding of a PNG to libpng. A JPEG's own grey
    component, which OpenCV takes, differs by more where a colour is too strong for RGB.
    """
    return np.asarray(cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB), np.uint8)


def place(image: Picture, placement: Placement, canvas: tuple[int, int]) -> Picture:
    """Resize a picture and put it on a grey canvas of (height, width).

    Bilinear as Darknet's code intends; its ``place_image`` truncates the source coordinates, so that it in fact takes
    the nearest pixel. Evaluation is bilinear in both.
    """
    (width, height, left, top), (rows, columns) = placement, canvas
    resized = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
    placed = np.full((rows, columns, 3), GREY, np.uint8)
    y = slice(max(top, 0), min(top + height, rows))
    x = slice(max(left, 0), min(left + width, columns))
    placed[y, x] = resized[y.start - top : y.stop - top, x.start - left : x.stop - left]
    return placed


def place_boxes(boxes: Boxes, placement: Placement, canvas: tuple[int, int]) -> Boxes:
    """Move xyxy fractions of the picture (G, 4+) to xyxy fractions of the canvas; they may leave it."""
    (width, height, left, top), (rows, columns) = placement, canvas
    moved = boxes.copy()
    moved[:, [0, 2]] = (boxes[:, [0, 2]] * width + left) / columns
    moved[:, [1, 3]] = (boxes[:, [1, 3]] * height + top) / rows
    return moved


def distort(image: Picture, hue: float, saturation: float, exposure: float) -> Picture:
    """Darknet's ``distort_image``: turn the hue by a fraction of the circle, multiply saturation and value."""
    colours = cv2.multiply(image, np.full(4, 1 / 255), dtype=cv2.CV_32F)
    hsv = cv2.cvtColor(colours, cv2.COLOR_RGB2HSV)  # hue in degrees
    hsv = cv2.multiply(hsv, np.array([1, saturation, exposure, 1]))
    # Forwards only: OpenCV takes hues above 360° round the circle, and not those below 0°.
    hsv = cv2.add(hsv, np.array([360 * (hue % 1), 0, 0, 0]))
    # Darknet clips the colours, not the saturation and the value; so does this, as it rounds.
    result = cv2.multiply(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB), np.full(4, 255.0), dtype=cv2.CV_8U)
    return np.asarray(result, np.uint8)


class Place(A.DualTransform):  # type: ignore[misc]
    """``place`` with a random ``Placement``."""

    def __init__(self, size: tuple[int, int], options: Augmentation | Crops) -> None:
        super().__init__(p=1)
        self.size, self.options = size, options

    def get_params_dependent_on_data(
        self,
        params: dict[str, Any],
        data: dict[str, Any],  # noqa: ARG002
    ) -> dict[str, Any]:
        """Draw the placement."""
        return {"placement": self.options.draw_placement(self.random_generator, params["shape"][:2], self.size)}

    def apply(self, img: Picture, placement: Placement, **_params: Any) -> Picture:
        """Place the picture."""
        return place(img, placement, self.size)

    def apply_to_bboxes(self, bboxes: Boxes, placement: Placement, **_params: Any) -> Boxes:
        """Place the boxes."""
        return place_boxes(bboxes, placement, self.size)


class Distort(A.ImageOnlyTransform):  # type: ignore[misc]
    """``distort`` by random amounts.

    albumentations' own ``HueSaturationValue`` adds to saturation and value, where Darknet multiplies.
    """

    def __init__(self, options: Augmentation) -> None:
        super().__init__(p=1)
        self.options = options

    def get_params(self) -> dict[str, Any]:
        """Draw the amounts."""
        rng, options = self.random_generator, self.options
        return {
            "hue": rng.uniform(-options.hue, options.hue),
            "saturation": _factor(rng, options.saturation),
            "exposure": _factor(rng, options.exposure),
        }

    def apply(self, img: Picture, hue: float, saturation: float, exposure: float, **_params: Any) -> Picture:
        """Change the colours."""
        return distort(img, hue, saturation, exposure)


def _factor(rng: np.random.Generator, largest: float) -> float:
    factor = rng.uniform(1, largest)
    return factor if rng.random() < 0.5 else 1 / factor


def training_transform(size: tuple[int, int], options: Augmentation | Crops = DARKNET) -> A.Compose:
    """An augmentation to a network input of ``size`` (height, width): place, distort if it is Darknet's, flip."""
    height, width = size
    boxes = A.BboxParams(
        "albumentations",
        min_width=SMALLEST * width,
        min_height=SMALLEST * height,
        clip=True,
        filter_invalid_bboxes=True,
    )
    colours = [Distort(options)] if isinstance(options, Augmentation) else []
    flips = [A.HorizontalFlip(p=0.5)] if options.flip else []
    return A.Compose([Place(size, options), *colours, *flips], bbox_params=boxes)


def augment(
    transform: A.Compose, image: Picture, boxes: Boxes, entropy: tuple[int, int, int]
) -> tuple[Picture, Boxes, NDArray[np.int64]]:
    """Apply a training transform with the randomness of ``entropy`` alone: (seed, epoch, index).

    The boxes are shuffled, as by Darknet's ``randomize_boxes``: a loss that takes only so many a picture takes others
    in each epoch.

    Returns:
        The picture, the K boxes that are left of the G (K, 4), and which they are (K,).
    """
    # One stream for all: Compose.set_random_seed would start every transform at the same draw, so that the hue
    # would follow the aspect ratio.
    streams = np.random.SeedSequence(entropy, spawn_key=(0,))
    generator = np.random.default_rng(streams)
    rows = generator.permutation(len(boxes))
    transform.set_random_state(generator, random.Random(int(streams.generate_state(1)[0])))
    result = transform(image=image, bboxes=np.hstack([boxes[rows], rows[:, None]]))  # (G, 5)
    left = result["bboxes"]  # (K, 5), or (0, 4) where none is left
    return result["image"], left[:, :4], left[:, 4:].reshape(-1).astype(np.int64)


def use_one_thread() -> None:
    """Keep OpenCV to one thread in this process: where processes are the parallelism, its threads are in the way."""
    cv2.setNumThreads(0)
