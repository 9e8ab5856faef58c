"""What is done to the pixels of a picture, and to its boxes with them, by OpenCV."""

import cv2
import numpy as np
from numpy.typing import NDArray

from lightning_app.data.augmentation import Placement

Picture = NDArray[np.uint8]  # (H, W, 3) RGB
Boxes = NDArray[np.float64]  # (G, 4) xyxy fractions
GREY = 128  # Darknet's .5


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


def use_one_thread() -> None:
    """Keep OpenCV to one thread in this process: where processes are the parallelism, its threads are in the way."""
    cv2.setNumThreads(0)
