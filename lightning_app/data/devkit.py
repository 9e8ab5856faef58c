"""The files of a VOC devkit: its lists of pictures, and the pictures themselves."""

import io
import os
import warnings
from functools import lru_cache
from pathlib import Path, PurePath

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

from lightning_app.codecs.base import MAX_SAMPLES
from lightning_app.data.found import remedy, sets_found
from lightning_app.errors import DataError, OptionError
from lightning_app.text_lines import split_lines, text_of

FORMATS = ("JPEG", "PNG", "BMP", "GIF", "PPM", "TIFF", "WEBP")
"""Kinds of picture files that are read, by Pillow's names, whatever the file is called.

Pillow reads others by starting a program: EPS by Ghostscript, which runs what is in the file.
"""

SUFFIXES = (
    ".bmp", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp",
)  # fmt: skip
"""How names of pictures end, in small or capital letters: those of `FORMATS`."""

_LABELS = ("-1", "0", "1")
"""The second column of VOC's lists of single classes: the class is absent, difficult or present."""

# Pillow's own warning comes at a higher limit than ours, at which we raise an error.
warnings.simplefilter("ignore", Image.DecompressionBombWarning)


def read_set(root: Path, name: str) -> list[str]:
    """The picture ids, such as ``VOC2007/000001``, of an image set, such as ``VOC2007/test``.

    Raises:
        DataError: there is no such list, it is empty, or it names files elsewhere.
    """
    year, _, part = name.partition("/")
    if not year or not part:
        raise OptionError(f"an image set is named like VOC2007/test, not {name!r}")
    inside = f"{year}/ImageSets/Main/{part}.txt"
    try:
        text = text_of((root / inside).read_bytes())
    except ValueError as error:
        raise DataError(f"{root / inside} cannot be read as a list of pictures: {error}") from error
    except OSError:
        if not root.is_dir():
            raise DataError(f"the folder {root} is not there; give the one that holds VOC2007") from None
        found = sets_found(root)
        if found is not None:
            raise DataError(f"{root} has other sets: it has no {inside}; {found}") from None
        raise DataError(f"{root} is no VOC devkit: it has no {inside}; {remedy(root, year)}") from None
    stems = listed_names(text)
    if not stems:
        raise DataError(f"{root / inside} lists no pictures")
    for stem in stems:
        if PurePath(stem).name != stem or stem == "..":
            raise DataError(f"{root / inside} lists {stem!r}, which names no file inside the devkit's folders")
        if _has_suffix(root / year / "JPEGImages", stem):
            raise DataError(f"{root / inside} lists {stem!r} with its suffix: write {PurePath(stem).stem!r}, and so on")
    return [f"{year}/{stem}" for stem in stems]


def listed_names(text: str) -> list[str]:
    """The names in a list of pictures; some tools end one with blank lines."""
    return [_stem(line) for line in split_lines(text) if line.strip()]


def _stem(line: str) -> str:
    """The name of a picture in a line of a list; it may have spaces."""
    words = line.split()
    return words[0] if len(words) == 2 and words[1] in _LABELS else line.strip()


def _has_suffix(folder: Path, name: str) -> bool:
    """Whether a name in a list is that of a picture's file, and no picture's without the suffix."""
    if PurePath(name).suffix.lower() not in SUFFIXES:
        return False
    files = _listing(folder)
    return name not in files and name in files.get(PurePath(name).stem, [])


def picture_path(root: Path, name: str) -> Path:
    """Where the picture of an id such as ``VOC2007/000001`` lies, or would lie if it were there.

    Its name may end as any of `SUFFIXES`, in small or capital letters.

    Raises:
        DataError: two files of its folder differ in their suffix alone.
    """
    year, _, stem = name.partition("/")
    folder = root / year / "JPEGImages"
    files = _listing(folder).get(stem, [f"{stem}.jpg"])
    if len(files) > 1:
        raise DataError(f"{folder} has {' and '.join(files)}, which differ only in their suffix: keep one of them")
    return folder / files[0]


def _listing(folder: Path) -> dict[str, list[str]]:
    return _pictures(folder, folder.stat().st_mtime_ns if folder.is_dir() else None)


@lru_cache(maxsize=64)
def _pictures(folder: Path, changed: int | None) -> dict[str, list[str]]:
    """The names of a folder's pictures by their stems, as they were when the folder was last changed."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.iterdir()) if changed is not None else ():
        if path.suffix.lower() in SUFFIXES:
            found.setdefault(path.stem, []).append(path.name)
    return found


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

    Training, evaluation and ``dfc encode`` all read by this. An EXIF orientation is left alone, as Darknet's own reader
    does: VOC's boxes are in the coordinates of the pixels as they are stored, and so are the boxes that are found. Of
    transparency nothing is kept, of 16 bits a sample the upper 8, of several frames the first.

    JPEG carries no checksum: one that is cut short is refused, and damage inside its samples gives another picture.

    Raises:
        DataError: the picture is absent, broken, cut short, of none of `FORMATS`, or of more than `MAX_SAMPLES` pixels.
    """
    try:
        with _Bounded(path) as file, Image.open(file, formats=FORMATS) as picture:
            if picture.width * picture.height > MAX_SAMPLES:
                raise Image.DecompressionBombError  # before anything is decoded, as Pillow's own
            return _rgb(picture)
    except Image.DecompressionBombError:
        raise DataError(f"{path} has more than {MAX_SAMPLES:,} pixels: make it smaller") from None
    except UnidentifiedImageError:
        raise DataError(f"{path} cannot be read as a picture: it is none of {', '.join(FORMATS)}") from None
    except FileNotFoundError as error:
        raise DataError(f"the picture {path} is not there") from error
    except IsADirectoryError as error:
        raise DataError(f"{path} is a folder: give one picture of it") from error
    except Exception as error:  # Pillow's decoders raise a dozen unrelated types on broken files
        raise DataError(f"{path} cannot be read as a picture: {' '.join(str(error).split())}") from error


def picture_size(path: Path) -> tuple[int, int]:
    """Rows and columns that a picture's header states; what comes behind it is not read.

    Raises:
        DataError: the picture is absent, or of none of `FORMATS`.
    """
    try:
        with _Bounded(path) as file, Image.open(file, formats=FORMATS) as picture:
            return picture.height, picture.width
    except Exception as error:  # as above
        raise DataError(f"{path} cannot be read as a picture: {' '.join(str(error).split())}") from error


def is_turned(path: Path) -> bool:
    """Whether a picture is shown in another way than it is stored: it states an EXIF orientation other than 1."""
    try:
        with _Bounded(path) as file, Image.open(file, formats=FORMATS) as picture:
            return bool(picture.getexif().get(ExifTags.Base.Orientation, 1) != 1)
    except Exception:  # as above; who reads the picture says what is wrong
        return False


class _Bounded(io.BufferedReader):
    """Reads no more than there is: Pillow asks for what a chunk claims, and Python would make room for gigabytes."""

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path))
        self.size = os.fstat(self.fileno()).st_size

    def read(self, size: int | None = -1, /) -> bytes:
        """At most ``size`` bytes; all that are left if it is negative or None."""
        return super().read(-1 if size is None or size < 0 else min(size, self.size))


def _rgb(picture: Image.Image) -> NDArray[np.uint8]:
    if picture.mode in ("I", "F"):
        raise ValueError(
            f"its samples are of mode {picture.mode}, and it does not say which of them are white; save it with 8 bits"
        )
    if picture.mode.startswith("I;16"):  # Pillow's own way to 8 bits makes all above 255 white
        grey = (np.asarray(picture) >> 8).astype(np.uint8)  # (H, W)
        return np.repeat(grey[..., None], 3, axis=2)
    # By way of RGBA, since Pillow warns of transparent palettes otherwise.
    stored = picture.convert("RGBA") if picture.mode == "P" else picture
    return np.array(stored.convert("RGB"))


def check_sizes(path: Path, stored: tuple[int, int], stated: tuple[int, int]) -> None:
    """Compare the (height, width) of a picture with those that its annotation states.

    Raises:
        DataError: they differ.
    """
    if stored != stated:
        turned = "; if EXIF turns the picture, store it as it is shown" if stored == stated[::-1] else ""
        raise DataError(
            f"{path} has {stored[1]}×{stored[0]} pixels where its annotation says {stated[1]}×{stated[0]}: "
            f"its boxes would be wrong{turned}"
        )
