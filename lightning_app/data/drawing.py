"""Pictures with the boxes of their annotations drawn in, for a person to look at."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from lightning_app.data.annotation import Annotation
from lightning_app.data.check import CheckedPicture
from lightning_app.data.devkit import picture_path, read_picture
from lightning_app.errors import DataError, OptionError
from lightning_app.progress import tracked

MOST = 100
"""Pictures that are drawn, at most."""
COLOURS = ("red", "lime", "blue", "yellow", "magenta", "cyan", "orange", "white")


def draw_boxes(root: Path, checked: Mapping[str, CheckedPicture], classes: Sequence[str], folder: Path) -> int:
    """Write pictures with their boxes: those with problems first, then others, evenly from the first to the last.

    Args:
        root: the devkit.
        checked: by their ids, such as VOC2007/000001; a picture that cannot be read is left out.
        classes: names of the classes, in the order of their labels.
        folder: for the pictures, each a JPEG under its id.

    Returns:
        how many were drawn, `MOST` at most.

    Raises:
        OptionError: the folder cannot be written to.
    """
    drawn = 0
    chosen = _chosen(checked)
    for name in tracked(chosen, "Drawing boxes", len(chosen)):
        annotation = checked[name].annotation
        try:
            if annotation is None:
                continue
            picture = with_boxes(Image.fromarray(read_picture(picture_path(root, name))), annotation, classes)
        except DataError:
            continue
        try:
            path = folder / f"{name}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            picture.save(path)
        except OSError as error:
            raise OptionError(f"{folder} cannot be written to: {error.strerror}; give another --draw") from error
        drawn += 1
    return drawn


def _chosen(checked: Mapping[str, CheckedPicture]) -> list[str]:
    wrong = [name for name, picture in checked.items() if picture.problems][:MOST]
    sound = [name for name, picture in checked.items() if not picture.problems]
    count = min(len(sound), MOST - len(wrong))
    return wrong + [sound[i] for i in np.linspace(0, len(sound) - 1, count).round().astype(int)]


def with_boxes(picture: Image.Image, annotation: Annotation, classes: Sequence[str]) -> Image.Image:
    """A picture with its boxes and their classes; a colour stands for a class."""
    brush = ImageDraw.Draw(picture)
    for box, label, difficult in zip(annotation.boxes, annotation.labels, annotation.difficult, strict=True):
        left, top, right, bottom = (box - 1).tolist()  # Pillow's pixels begin at 0; both edges belong to a box in both
        colour = COLOURS[label % len(COLOURS)]
        brush.rectangle((left, top, max(left, right), max(top, bottom)), outline=colour, width=2)
        brush.text((left + 3, top + 2), f"{classes[label]}{' (difficult)' if difficult else ''}", fill=colour)
    return picture
