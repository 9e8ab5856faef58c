"""A metric of boxes that keeps tables about single pictures: what each picture adds, and which of its views counts."""

import zlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from lightning_app.errors import DataError, OptionError
from lightning_app.metrics.batch import Batch, Bools, Ints, read
from lightning_app.metrics.rows import Floats, RowMetric, once


class OfPictures(NamedTuple):
    """Rows of a table, those of a picture together.

    Attributes:
        places: (R,) ascending, the place in the batch of each row's picture.
        rows: (R, columns).
    """

    places: Ints
    rows: Floats


class PictureMetric(RowMetric):
    """A metric of boxes. A picture that is seen more than once, because a distributed sampler pads, counts once.

    Args:
        classes: names of the classes, in the order of their labels.
    """

    higher_is_better = True
    # One row of `pictures` each time that a picture was seen, which `view` tells apart. It says how many of the next
    # rows of the other tables are its own: they are most of what is kept.
    pictures: list[Tensor]  # rows (index, view, rows of truths, rows of detections)
    truths: list[Tensor]
    detections: list[Tensor]

    def __init__(self, classes: Sequence[str]) -> None:
        super().__init__()
        if not classes:
            raise OptionError("classes must name at least one class")
        self.classes = tuple(classes)
        self.add_table("pictures")
        self.add_table("truths")
        self.add_table("detections")

    def rows(self, batch: Batch) -> tuple[OfPictures, OfPictures]:
        """What a batch adds to the tables of truths and of detections."""
        raise NotImplementedError

    def update(self, predictions: Sequence[Mapping[str, Any]], targets: Sequence[Mapping[str, Any]]) -> None:
        """Add the detections of a batch of pictures. Boxes are xyxy pixels, inclusive and 1-based as VOC's.

        Args:
            predictions: one per picture: ``boxes`` (D, 4), ``scores`` (D,) and ``labels`` (D,), of any float precision;
                scores are kept in float32.
            targets: one per picture: ``boxes`` (G, 4), ``labels`` (G,), ``difficult`` (G,) and ``index``, the picture's
                number in its data set, below 2**24.
        """
        if len(predictions) != len(targets):
            raise DataError(f"predictions and targets must go in pairs, not {len(predictions)} with {len(targets)}")
        if not targets:
            return
        batch = read(predictions, targets, len(self.classes))
        truths, found = self.rows(batch)
        lengths = [np.bincount(own.places, minlength=len(targets)) for own in (truths, found)]
        ends = lengths[1].cumsum()
        views = [fingerprint(found.rows[end - length : end]) for length, end in zip(lengths[1], ends, strict=True)]
        self.append("pictures", np.column_stack((batch.index, views, *lengths)))
        self.append("truths", truths.rows)
        self.append("detections", found.rows)

    def images(self) -> NDArray[np.int64]:
        """Numbers (I,) of the pictures seen so far, ascending."""
        views = self.table("pictures", 4)
        return np.sort(views[one_a_picture(views), 0].astype(np.int64))

    def of_pictures(self, name: str, columns: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Of one view of each picture, the numbers (R,) of the pictures and their rows (R, columns) of a table.

        Args:
            name: ``truths`` or ``detections``.
            columns: of the table.
        """
        views = self.table("pictures", 4)
        index, _, *lengths = views.T.astype(np.int32)  # (V,)
        length = lengths[("truths", "detections").index(name)]
        owners, rows, counts = np.repeat(index, length), self.table(name, columns), one_a_picture(views)
        if counts.all():  # as they do where no sampler pads
            return owners, rows
        mine = np.repeat(counts, length)
        return owners[mine], rows[mine]


def fingerprint(found: Floats) -> float:
    """A number of 24 bits that tells one view of a picture from another.

    A picture that a sampler repeats can be found in slightly different detections, because its batch has another
    shape. Its views must not be mixed: the one of the smallest fingerprint counts, whichever rank saw it.
    """
    return float(zlib.crc32(found.tobytes()) >> 8)


def one_a_picture(views: NDArray[np.float32]) -> Bools:
    """Which rows (V, 4) of the table of pictures count: for each picture, one of the smallest fingerprint."""
    kept = np.zeros(len(views), dtype=bool)
    kept[once(np.column_stack((views, np.arange(len(views)))), keys=1)[:, -1].astype(int)] = True
    return kept
