"""What became of each detection: all that mean average precision is computed from, and its file."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from lightning_app.errors import DataError
from lightning_app.files import written_whole

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Outcomes:
    """The judged detections and the truths of I pictures.

    Attributes:
        images: (I,) numbers of the pictures in their data set, ascending, each once.
        truths: (T, 3) rows of picture, label, and how many truths of it are not difficult.
        detections: (D, 4) rows of picture, label, score and hit, 0 or 1, by falling score; equal scores stand by
            picture, then by place in it. Scores have the precision of float32. Those of difficult truths are not here.
    """

    images: Ints
    truths: Ints
    detections: Floats

    def __post_init__(self) -> None:
        if self.images.ndim != 1 or self.truths.shape[1:] != (3,) or self.detections.shape[1:] != (4,):
            raise DataError("outcomes must be images (I,), truths (T, 3) and detections (D, 4)")
        if (np.diff(self.images) <= 0).any():
            raise DataError("the images of outcomes must be ascending, each once")
        if not np.isin(np.concatenate((self.truths[:, 0], self.detections[:, 0])), self.images).all():
            raise DataError("truths and detections must be of the images of their outcomes")
        if (np.diff(self.detections[:, 2]) > 0).any():
            raise DataError("the detections of outcomes must stand by falling score")


def save_outcomes(path: Path, outcomes: Mapping[str, Outcomes], classes: Sequence[str]) -> None:
    """Write an ``.npz`` file whole or not at all, and make the folders above it.

    Args:
        path: of the file.
        outcomes: by the name of their operating point.
        classes: names of the classes in the order of their labels, for whoever reads the file.
    """
    arrays: dict[str, NDArray[Any]] = {"names": np.array([*outcomes], str), "classes": np.array(classes, str)}
    for k, one in enumerate(outcomes.values()):
        arrays |= {f"{k}.{name}": column for name, column in _columns(one).items()}
    with written_whole(path) as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def load_outcomes(path: Path) -> dict[str, Outcomes]:
    """Read what `save_outcomes` wrote.

    Raises:
        DataError: it is not such a file.
    """
    try:
        # Opened here, because NumPy leaves what is no zip file open.
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            return {str(name): _from_columns(file, k) for k, name in enumerate(file["names"])}
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile, zlib.error, DataError) as error:
        raise DataError(f"{path} is no file of outcomes that `dfc evaluate` wrote: {error}") from error


def _columns(one: Outcomes) -> dict[str, NDArray[Any]]:
    """The tables in the narrowest types that hold them: a third of the bytes."""
    index, label, score, hit = one.detections.T
    return {
        "images": one.images,
        "truths": one.truths,
        "index": index.astype(np.int32),  # (D,)
        "label": label.astype(np.int32),
        "score": score.astype(np.float32),
        "hit": hit.astype(bool),
    }


def _from_columns(file: Mapping[str, NDArray[Any]], k: int) -> Outcomes:
    columns = [file[f"{k}.{name}"].astype(np.float64) for name in ("index", "label", "score", "hit")]
    return Outcomes(file[f"{k}.images"], file[f"{k}.truths"], np.stack(columns, axis=1))  # (D, 4)
