"""The augmentations as albumentations transforms.

Only this module imports albumentations, which takes a second. A command that does not augment does without it.
"""

import os
import random
from typing import Any

# albumentations asks PyPI for a newer release on import unless told not to.
os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"

import albumentations as A  # type: ignore[import-untyped]
import numpy as np
from numpy.typing import NDArray

from lightning_app.data.augmentation import DARKNET, SMALLEST, Augmentation, Crops, Placement
from lightning_app.data.pixels import Boxes, Picture, distort, place, place_boxes


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

    The boxes are shuffled, as by Darknet's ``randomize_boxes``: a loss that takes only so many per picture takes others
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
