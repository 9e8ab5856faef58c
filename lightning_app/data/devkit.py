"""The files of a VOC devkit: its lists of pictures, and the pictures themselves."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lightning_app.errors import DataError, OptionError


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


def picture_path(root: Path, name: str) -> Path:
    """Where the picture of an id such as ``VOC2007/000001`` lies."""
    year, _, stem = name.partition("/")
    return root / year / "JPEGImages" / f"{stem}.jpg"


def annotation_path(root: Path, name: str) -> Path:
    """Where its annotation lies."""
    year, _, stem = name.partition("/")
    return root / year / "Annotations" / f"{stem}.xml"


def missing_files(root: Path, ids: list[str]) -> list[Path]:
    """The pictures and annotations that the devkit should have and has not."""
    there: dict[Path, set[str]] = {}
    missing = []
    for name in ids:
        for path in (picture_path(root, name), annotation_path(root, name)):
            folder = path.parent
            if folder not in there:
                there[folder] = {p.name for p in folder.iterdir()} if folder.is_dir() else set()
            if path.name not in there[folder]:
                missing.append(path)
    return missing


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


def check_sizes(path: Path, stored: tuple[int, int], stated: tuple[int, int]) -> None:
    """Compare the (height, width) of a picture with those that its annotation states.

    Raises:
        DataError: they differ.
    """
    if stored != stated:
        raise DataError(
            f"{path} has {stored[1]}×{stored[0]} pixels where its annotation says {stated[1]}×{stated[0]}: "
            "its boxes would be wrong"
        )
