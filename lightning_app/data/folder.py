"""A folder of pictures without annotations as a PyTorch dataset."""

import os
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from lightning_app.data.annotation import Annotation
from lightning_app.data.augmentation import Augmentation, Crops
from lightning_app.data.devkit import SUFFIXES, read_picture
from lightning_app.data.examples import ExampleDataset
from lightning_app.data.resize import Resize
from lightning_app.errors import DataError


def find_pictures(root: Path) -> list[str]:
    """The pictures of a folder and its subfolders, such as ``trip/a.jpg``, in the order of their characters' codes.

    What begins with a dot is left out. A folder that links lead to more than once is searched once.

    Raises:
        DataError: there is no such folder, one inside cannot be read, there is no picture, or the name of one is no
            text.
    """
    searched, names = {os.path.realpath(root)}, []
    for folder, folders, files in os.walk(root, onerror=_refuse, followlinks=True):
        folders[:] = [name for name in sorted(folders) if name[0] != "." and _is_new(Path(folder, name), searched)]
        inside = Path(folder).relative_to(root)
        pictures = [name for name in files if name[0] != "." and _is_picture(name)]
        for name in pictures:
            check_name(Path(folder, name))
        names += [(inside / name).as_posix() for name in pictures]
    if not names:
        raise DataError(f"the folder {root} holds no picture: give one of files that end in {', '.join(SUFFIXES)}")
    return sorted(names)


def check_name(path: Path) -> None:
    """Raise `DataError` where the name of a file or its folder is in another encoding than UTF-8: no list holds it."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise DataError(f"the name of the file {os.fsencode(path)!r} is no text in UTF-8: rename it") from None


def _refuse(error: OSError) -> NoReturn:
    raise DataError(
        f"the folder {error.filename} cannot be read: {error.strerror}; give a folder of pictures that you may read"
    ) from error


def _is_new(folder: Path, searched: set[str]) -> bool:
    real = os.path.realpath(folder)
    if real in searched:
        return False
    searched.add(real)
    return True


def _is_picture(name: str) -> bool:
    return name.lower().endswith(SUFFIXES)


class PicturesDataset(ExampleDataset):
    """All pictures of a folder and its subfolders; nothing is known of what they show.

    Args:
        root: the folder.
        size: height and width of the network's input, in pixels.
        augmentation: the random changes, drawn from (seed, epoch, index); null for ``resize`` alone.
        resize: how a picture that is not augmented is brought to ``size``.
        seed: of the augmentation, at least 0.

    Raises:
        DataError: there is no such folder, one inside cannot be read, or there is no picture.
    """

    def __init__(
        self,
        root: str | Path,
        size: tuple[int, int],
        augmentation: Augmentation | Crops | None = None,
        resize: Resize = "plain",
        seed: int = 0,
    ) -> None:
        self.root = Path(root)
        super().__init__(find_pictures(self.root), size, augmentation, True, resize, seed)

    def file(self, index: int) -> Path:
        """Where a picture lies."""
        return self.root / self.ids[index]

    def read(self, index: int) -> tuple[Annotation, NDArray[np.uint8]]:
        """No objects, and the picture as it is stored, RGB (H, W, 3).

        Raises:
            DataError: the picture cannot be read.
        """
        try:
            image = read_picture(self.file(index))
        except DataError as error:
            raise DataError(f"{error}; replace it, or take it out of the folder") from error
        return Annotation.empty(width=image.shape[1], height=image.shape[0]), image
