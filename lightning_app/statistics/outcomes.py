"""What became of each detection: all that mean average precision is computed from, and its file."""

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeAlias
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile

import numpy as np
from numpy.typing import NDArray

from lightning_app.errors import DataError
from lightning_app.files import written_whole
from lightning_app.records.truth import ANNOTATIONS

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Outcomes:
    """The judged detections and the truths of I pictures.

    Attributes:
        images: (I,) numbers of the pictures in their data set, ascending, each once.
        truths: (T, 3) rows of picture, label, and how many truths of it are not difficult.
        index: (D,) numbers of the pictures of the detections, which stand by falling score; equal scores by picture,
            then by place in it. Those of difficult truths are not here.
        label: (D,) of each.
        score: (D,) of each.
        hit: (D,) whether it hits a truth.
    """

    images: Ints
    truths: Ints
    index: NDArray[np.int32]
    label: NDArray[np.int32]
    score: NDArray[np.float32]
    hit: NDArray[np.bool_]

    def __post_init__(self) -> None:
        shapes = {column.shape for column in (self.index, self.label, self.score, self.hit)}
        if self.images.ndim != 1 or self.truths.shape[1:] != (3,) or shapes != {(self.score.size,)}:
            raise DataError("outcomes must be images (I,), truths (T, 3) and index, label, score and hit (D,)")
        if (np.diff(self.images) <= 0).any():
            raise DataError("the images of outcomes must be in rising order, each only once")
        if any(len(np.setdiff1d(owners, self.images)) for owners in (self.truths[:, 0], self.index)):
            raise DataError("truths and detections must be of the images of their outcomes")
        if (np.diff(self.score) > 0).any():
            raise DataError("the detections of outcomes must stand by falling score")


FIELDS = tuple(field.name for field in fields(Outcomes))


@contextmanager
def outcomes_file(path: Path, classes: Sequence[str]) -> Iterator[Callable[[str, Outcomes, str], None]]:
    """Write an ``.npz`` file whole or not at all, and make the folders above it.

    Args:
        path: of the file, which is there when the block has ended without an error.
        classes: names of the classes in the order of their labels, for whoever reads the file.

    Yields:
        what adds the outcomes of an operating point by its name, with the truth that it was measured against, as
        `lightning_app.records.truth` names it. They are written at once, and not kept.
    """
    names: list[str] = []
    truths: list[str] = []
    with written_whole(path) as whole, ZipFile(whole, "w", ZIP_DEFLATED, compresslevel=1) as file:

        def add(name: str, outcomes: Outcomes, truth: str) -> None:
            for field in FIELDS:
                _write(file, f"{len(names)}.{field}", getattr(outcomes, field))
            names.append(name)
            truths.append(truth)

        yield add
        _write(file, "names", np.array(names, str))
        _write(file, "truths", np.array(truths, str))
        _write(file, "classes", np.array(classes, str))


def _write(file: ZipFile, name: str, array: NDArray[Any]) -> None:
    """Add an array to an ``.npz`` file, as `numpy.savez_compressed` does, which wants all of them at once."""
    with file.open(f"{name}.npy", "w", force_zip64=True) as member:
        np.lib.format.write_array(member, array, allow_pickle=False)


def load_outcomes(path: Path) -> dict[str, Outcomes]:
    """Read what `outcomes_file` wrote.

    Raises:
        DataError: it is not such a file.
    """
    with _opened(path) as file:
        return {
            str(name): Outcomes(*(file[f"{k}.{field}"] for field in FIELDS)) for k, name in enumerate(file["names"])
        }


def load_truths(path: Path) -> dict[str, str]:
    """What each operating point of the file was measured against; version 0.2.0 knew annotations alone.

    Raises:
        DataError: it is not such a file.
    """
    with _opened(path) as file:
        names = file["names"].tolist()
        truths = file["truths"].tolist() if "truths" in file else [ANNOTATIONS] * len(names)
        return dict(zip(names, truths, strict=True))


@contextmanager
def _opened(path: Path) -> Iterator[Mapping[str, NDArray[Any]]]:
    """The arrays of the file by their names; whatever is wrong with them is told as one sentence."""
    try:
        # Opened here, because NumPy leaves what is no zip file open.
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            yield file
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile, zlib.error, DataError) as error:
        raise DataError(f"{path} is no file of outcomes that `dfc evaluate` wrote: {error}") from error
