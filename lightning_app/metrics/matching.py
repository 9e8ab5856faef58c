"""The detections of one picture judged by its truths, as PASCAL VOC's VOCevaldet.m does.

It is not COCO's rule. Boxes are inclusive pixels, so widths and heights are one more than the difference of the edges;
a detection is judged by the truth that it overlaps most, even if a better detection has taken it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from lightning_app.errors import DataError
from lightning_app.metrics.rows import LARGEST, Floats

Ints: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True)
class Picture:
    """One picture's D detections and G truths. Boxes are inclusive xyxy pixels, their first pixel is 1."""

    index: int  # the picture's number in its data set
    boxes: Floats  # (D, 4)
    scores: Floats  # (D,)
    labels: Ints  # (D,)
    truths: Floats  # (G, 4)
    truth_labels: Ints  # (G,)
    difficult: Bools  # (G,) truths whose detections are neither hits nor misses


def read(predictions: Sequence[Mapping[str, Any]], targets: Sequence[Mapping[str, Any]]) -> Iterator[Picture]:
    """The pictures of a batch, fetched from their device in one transfer a key."""
    fields = (
        [int(target["index"]) for target in targets],
        split(predictions, "boxes", torch.float64),
        # The precision in which scores are kept and sorted.
        [scores.astype(np.float64) for scores in split(predictions, "scores", torch.float32)],
        split(predictions, "labels", torch.int64),
        split(targets, "boxes", torch.float64),
        split(targets, "labels", torch.int64),
        split(targets, "difficult", torch.bool),
    )
    return map(Picture, *fields)


def split(items: Sequence[Mapping[str, Any]], key: str, dtype: torch.dtype) -> list[NDArray[Any]]:
    """One array per picture of the tensors under ``key``."""
    tensors = [item[key].detach() for item in items]
    if key == "boxes":
        tensors = [boxes.reshape(0, 4) if boxes.numel() == 0 else boxes for boxes in tensors]
    ends = np.cumsum([len(tensor) for tensor in tensors])
    return np.split(torch.cat(tensors).cpu().to(dtype).numpy(), ends[:-1])


def check(picture: Picture, classes: int) -> None:
    """Refuse a picture that would be counted wrongly."""
    if not 0 <= picture.index < LARGEST:
        raise DataError(f"a picture's index must be in 0 … 2**24 - 1, not {picture.index}")
    name = f"picture {picture.index}"
    d, g = len(picture.labels), len(picture.truth_labels)
    if picture.boxes.shape != (d, 4) or len(picture.scores) != d:
        raise DataError(f"{name}: detections must be boxes (D, 4), scores (D,) and labels (D,), of one length")
    if picture.truths.shape != (g, 4) or len(picture.difficult) != g:
        raise DataError(f"{name}: truths must be boxes (G, 4), labels (G,) and difficult (G,), of one length")
    if not (np.isfinite(picture.boxes).all() and np.isfinite(picture.scores).all()):
        raise DataError(f"{name}: a detection's box or score is not finite; has the training diverged?")
    if not np.isfinite(picture.truths).all():
        raise DataError(f"{name}: the box of a truth is not finite")
    labels = np.concatenate((picture.labels, picture.truth_labels))
    if ((labels < 0) | (labels >= classes)).any():
        raise DataError(f"{name}: labels must be in 0 … {classes - 1}, not {labels.min()} … {labels.max()}")


def iou(boxes: Floats, truths: Floats) -> Floats:
    """Intersection over union (D, G) of inclusive xyxy boxes (D, 4) and (G, 4)."""
    least = np.maximum(boxes[:, None, :2], truths[:, :2])  # (D, G, 2)
    most = np.minimum(boxes[:, None, 2:], truths[:, 2:])
    inner = (most - least + 1).clip(min=0).prod(axis=2)  # (D, G)
    outer = area(boxes)[:, None] + area(truths) - inner
    # Only where they meet: boxes turned inside out can have no area at all.
    ratio: Floats = np.divide(inner, outer, out=np.zeros_like(inner), where=inner > 0)
    return ratio


def area(boxes: Floats) -> Floats:
    """The pixels (n,) in inclusive xyxy boxes (n, 4)."""
    return (boxes[:, 2] - boxes[:, 0] + 1) * (boxes[:, 3] - boxes[:, 1] + 1)


def match(picture: Picture, iou_threshold: float) -> tuple[Bools, Bools]:
    """Judge the detections of one picture.

    Args:
        picture: what was found, and what is there.
        iou_threshold: intersection over union from which a detection is a hit.

    Returns:
        ``hits`` (D,), and ``judged`` (D,): false for the detections of a difficult truth.
    """
    hits = np.zeros(len(picture.boxes), dtype=bool)
    if not len(picture.boxes) or not len(picture.truths):
        return hits, ~hits
    overlap = np.where(picture.labels[:, None] == picture.truth_labels, iou(picture.boxes, picture.truths), 0)
    best = overlap.argmax(axis=1)  # (D,) the first of equal ones, and even one that is taken
    near = overlap.max(axis=1) >= iou_threshold
    judged = ~(near & picture.difficult[best])
    order = np.argsort(-picture.scores, kind="stable")
    order = order[(near & judged)[order]]
    hits[order[np.unique(best[order], return_index=True)[1]]] = True  # the first by score at each truth
    return hits, judged
