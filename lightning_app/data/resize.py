"""How evaluation brings a picture to the network's input: resized plainly, or in Darknet's letterbox."""

from typing import Literal

from lightning_app.boxes import WHOLE, Window
from lightning_app.data.augmentation import Placement
from lightning_app.data.pixels import Picture, place

Resize = Literal["plain", "letterbox"]


def fit_picture(image: Picture, size: tuple[int, int], resize: Resize = "plain") -> tuple[Picture, Window]:
    """Resize a picture bilinearly, without antialias.

    Args:
        image: RGB (H, W, 3).
        size: height and width of the network's input, in pixels.
        resize: ``plain`` stretches the picture over the whole input; ``letterbox`` keeps its aspect ratio, in the
            middle of a grey input.

    Returns:
        The input (height, width, 3), and where the picture lies in it.
    """
    height, width = image.shape[:2]
    if resize == "plain":
        return place(image, Placement(size[1], size[0], 0, 0), size), WHOLE
    return place(image, letterbox((height, width), size), size), letterbox_window((height, width), size)


def letterbox(picture: tuple[int, int], size: tuple[int, int]) -> Placement:
    """Where Darknet's ``letterbox_image`` (``src/image.c``) puts a picture; sizes are (height, width).

    >>> letterbox((375, 500), (416, 416))
    Placement(width=416, height=312, left=0, top=52)
    """
    width, height = _scaled(picture, size)
    return Placement(width, height, (size[1] - width) // 2, (size[0] - height) // 2)


def letterbox_window(picture: tuple[int, int], size: tuple[int, int]) -> Window:
    """Where Darknet's ``correct_region_boxes`` (``src/region_layer.c``) takes the picture to lie.

    Half a pixel from where it does lie when an odd number of pixels is left over: ``letterbox_image`` halves that
    number in whole pixels, and this does not.
    """
    width, height = _scaled(picture, size)
    left, top = (size[1] - width) / 2 / size[1], (size[0] - height) / 2 / size[0]
    return left, top, left + width / size[1], top + height / size[0]


def _scaled(picture: tuple[int, int], size: tuple[int, int]) -> tuple[int, int]:
    """Width and height of the largest picture of the same aspect ratio that fits, cut to whole pixels."""
    (height, width), (rows, columns) = picture, size
    if columns / width < rows / height:
        return columns, max(1, height * columns // width)
    return max(1, width * rows // height), rows
