"""The random changes of a training picture: Darknet's of October 2017, or crops alone."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from lightning_app.errors import OptionError

SMALLEST = 0.001  # Darknet drops boxes narrower or lower than this fraction of the input


class Placement(NamedTuple):
    """The resized picture on the network's input, in whole pixels; left and top may be negative.

    Darknet truncates to whole pixels where it copies and not where it moves the boxes; here both use these numbers.
    """

    width: int
    height: int
    left: int
    top: int


@dataclass(frozen=True)
class Augmentation:
    """Darknet's changes: the defaults are those for VOC.

    Args:
        jitter: relative change of width and of height before the aspect ratio is taken, in [0, 1).
        zoom_min: shortest that the picture's longer side may be, as a fraction of the network input's, above 0.
        zoom_max: longest that the picture's longer side may be, as such a fraction, at least zoom_min.
        hue: largest turn of the hue, as a fraction of the colour circle, in [0, 0.5].
        saturation: largest factor by which the saturation is multiplied or divided, at least 1.
        exposure: largest factor by which the brightness is multiplied or divided, at least 1.
        flip: mirror every second picture, on average.
    """

    jitter: float = 0.3
    zoom_min: float = 0.25
    zoom_max: float = 2.0
    hue: float = 0.1
    saturation: float = 1.5
    exposure: float = 1.5
    flip: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.jitter < 1:
            raise OptionError(f"jitter must be in [0, 1), not {self.jitter}")
        if not 0 < self.zoom_min <= self.zoom_max:
            raise OptionError(f"zoom_min must be in (0, zoom_max={self.zoom_max}], not {self.zoom_min}")
        if not 0 <= self.hue <= 0.5:
            raise OptionError(f"hue must be in [0, 0.5], not {self.hue}")
        if min(self.saturation, self.exposure) < 1:
            raise OptionError(f"saturation and exposure must be at least 1, not {self.saturation} and {self.exposure}")

    def draw_placement(self, rng: np.random.Generator, picture: tuple[int, int], canvas: tuple[int, int]) -> Placement:
        """Darknet's ``load_data_detection``: a jittered aspect ratio, a zoom, a place; sizes are (height, width)."""
        (height, width), (rows, columns) = picture, canvas
        stretch = 1 + rng.uniform(-self.jitter, self.jitter, 2)
        aspect = width * stretch[0] / (height * stretch[1])
        zoom = rng.uniform(self.zoom_min, self.zoom_max)
        new_height = zoom * rows if aspect < 1 else zoom * columns / aspect
        new_width = max(1, round(new_height * aspect))
        new_height = max(1, round(new_height))
        # The room is negative where the picture is larger than the input: then this is a random crop.
        left, top = rng.random(2) * (columns - new_width, rows - new_height)
        return Placement(new_width, new_height, round(left), round(top))


DARKNET = Augmentation()


@dataclass(frozen=True)
class Crops:
    """A part of the picture stretched over the whole network input: no grey border, and the colours as they are.

    Args:
        smallest: shortest that a side of the part may be, as a fraction of the picture's side, in [0.1, 1]; each side
            is drawn by itself, evenly up to the whole one.
        flip: mirror every second picture, on average.
    """

    smallest: float = 0.6
    flip: bool = True

    def __post_init__(self) -> None:
        if not 0.1 <= self.smallest <= 1:
            raise OptionError(f"smallest must be in [0.1, 1], not {self.smallest}")

    def draw_placement(
        self,
        rng: np.random.Generator,
        picture: tuple[int, int],  # noqa: ARG002
        canvas: tuple[int, int],
    ) -> Placement:
        """The whole picture, larger than the canvas by one over each side that is drawn; sizes are (height, width)."""
        rows, columns = canvas
        sides = rng.uniform(self.smallest, 1, 2)  # of the width, of the height
        width, height = round(columns / sides[0]), round(rows / sides[1])
        left, top = rng.random(2) * (columns - width, rows - height)
        return Placement(width, height, round(left), round(top))
