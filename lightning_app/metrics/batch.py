"""The detections and truths of a batch of pictures, fetched from their device in one transfer a key, and checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from lightning_app.errors import DataError
from lightning_app.metrics.rows import LARGEST, Floats

Ints: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]
Items: TypeAlias = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Batch:
    """B pictures with D detections and G truths in all, those of a picture together.

    Boxes are inclusive xyxy pixels, their first pixel is 1.
    """

    index: Ints  # (B,) each picture's number in its data set
    found: Ints  # (D,) the place in the batch of each detection's picture
    boxes: Floats  # (D, 4)
    scores: Floats  # (D,)
    labels: Ints  # (D,)
    there: Ints  # (G,) the place in the batch of each truth's picture
    truths: Floats  # (G, 4)
    truth_labels: Ints  # (G,)
    difficult: Bools  # (G,) truths whose detections are neither hits nor misses


def read(predictions: Items, targets: Items, classes: int) -> Batch:
    """The pictures of a batch.

    Raises:
        DataError: a picture would be counted wrongly.
    """
    index = [int(target["index"]) for target in targets]
    for number in index:
        if not 0 <= number < LARGEST:
            raise DataError(f"a picture's index must be in 0 … 2**24 - 1, not {number}")
    detections = "detections must be boxes (D, 4), scores (D,) and labels (D,), of one length"
    truths = "truths must be boxes (G, 4), labels (G,) and difficult (G,), of one length"
    batch = Batch(
        np.array(index),
        _places(predictions, ("boxes", "scores", "labels"), index, detections),
        _joined(predictions, "boxes", torch.float64),
        # The precision in which scores are kept and sorted.
        _joined(predictions, "scores", torch.float32).astype(np.float64),
        _joined(predictions, "labels", torch.int64),
        _places(targets, ("boxes", "labels", "difficult"), index, truths),
        _joined(targets, "boxes", torch.float64),
        _joined(targets, "labels", torch.int64),
        _joined(targets, "difficult", torch.bool),
    )
    _check(batch, classes)
    return batch


def _places(items: Items, keys: Sequence[str], index: Sequence[int], sentence: str) -> Ints:
    """The place in the batch of each row's picture, where the keys of a picture have equally many rows."""
    lengths = [[len(item[key]) for key in keys] for item in items]
    for picture, item, numbers in zip(index, items, lengths, strict=True):
        if len(set(numbers)) > 1 or (numbers[0] and item["boxes"].shape != (numbers[0], 4)):
            raise DataError(f"picture {picture}: {sentence}")
    return np.repeat(np.arange(len(items)), [numbers[0] for numbers in lengths])


def _joined(items: Items, key: str, dtype: torch.dtype) -> NDArray[Any]:
    """The rows of all pictures under ``key``."""
    tensors = [item[key] for item in items]
    if key == "boxes":
        tensors = [boxes if len(boxes) else boxes.reshape(0, 4) for boxes in tensors]
    rows: NDArray[Any] = torch.cat(tensors).detach().cpu().to(dtype).numpy()
    return rows


def _check(batch: Batch, classes: int) -> None:
    """Refuse numbers that would be counted wrongly."""
    wrong: Bools = np.array(~(np.isfinite(batch.boxes).all(axis=1) & np.isfinite(batch.scores)))
    if wrong.any():
        raise DataError(
            f"{_name(batch, batch.found, wrong)}: a detection's box or score is not finite; has the training diverged?"
        )
    wrong = np.array(~np.isfinite(batch.truths).all(axis=1))
    if wrong.any():
        raise DataError(f"{_name(batch, batch.there, wrong)}: the box of a truth is not finite")
    labels, places = (np.concatenate(two) for two in ((batch.labels, batch.truth_labels), (batch.found, batch.there)))
    wrong = np.array((labels < 0) | (labels >= classes))
    if wrong.any():
        own = labels[places == places[wrong][0]]
        name = _name(batch, places, wrong)
        raise DataError(f"{name}: labels must be in 0 … {classes - 1}, not {own.min()} … {own.max()}")


def _name(batch: Batch, places: Ints, wrong: Bools) -> str:
    """The picture of the first wrong row."""
    return f"picture {batch.index[places[wrong][0]]}"
