"""The detections of pictures judged by their truths, as PASCAL VOC's VOCevaldet.m does.

It is not COCO's rule. Boxes are inclusive pixels, so widths and heights are one more than the difference of the edges;
a detection is judged by the truth that it overlaps most, even if a better detection has taken it.

All pictures of a batch are judged at once: NumPy takes about as long for the boxes of one picture as for those of ten.
"""

import numpy as np

from lightning_app.metrics.batch import Batch, Bools, Ints
from lightning_app.metrics.rows import Floats


def match(batch: Batch, classes: int, iou_threshold: float) -> tuple[Bools, Bools]:
    """Judge the detections of a batch of pictures.

    Args:
        batch: what was found, and what is there.
        classes: how many classes there are.
        iou_threshold: intersection over union from which a detection is a hit, above 0.

    Returns:
        ``hits`` (D,), and ``judged`` (D,): false for the detections of a difficult truth.
    """
    hits, judged = np.zeros(len(batch.boxes), dtype=bool), np.ones(len(batch.boxes), dtype=bool)
    detections, truths = _pairs(batch.found * classes + batch.labels, batch.there * classes + batch.truth_labels)
    overlap = iou(batch.boxes[detections], batch.truths[truths])
    near = overlap >= iou_threshold
    detections, truths, overlap = detections[near], truths[near], overlap[near]
    order = np.lexsort((truths, -overlap, detections))  # of each detection the best truth, of equal ones the first
    detections, truths = detections[order], truths[order]
    best = _firsts(detections)
    detections, truths = detections[best], truths[best]
    difficult = batch.difficult[truths]
    judged[detections[difficult]] = False
    detections, truths = detections[~difficult], truths[~difficult]
    order = np.lexsort((detections, -batch.scores[detections], truths))  # of each truth the best score
    hits[detections[order][_firsts(truths[order])]] = True
    return hits, judged


def iou(boxes: Floats, truths: Floats) -> Floats:
    """Intersection over union (P,) of P pairs of inclusive xyxy boxes, (P, 4) each."""
    width, height = (
        (np.minimum(boxes[:, axis + 2], truths[:, axis + 2]) - np.maximum(boxes[:, axis], truths[:, axis]) + 1).clip(0)
        for axis in (0, 1)
    )
    inner = width * height
    outer = area(boxes) + area(truths) - inner
    # Only where they meet: boxes turned inside out can have no area at all.
    ratio: Floats = np.divide(inner, outer, out=np.zeros_like(inner), where=inner > 0)
    return ratio


def area(boxes: Floats) -> Floats:
    """The pixels (n,) in inclusive xyxy boxes (n, 4)."""
    return (boxes[:, 2] - boxes[:, 0] + 1) * (boxes[:, 3] - boxes[:, 1] + 1)


def _pairs(keys: Ints, others: Ints) -> tuple[Ints, Ints]:
    """The places (P,) of every number in ``keys``, and those of every one in ``others`` that is the same."""
    order = np.argsort(others, kind="stable")
    ordered = others[order]
    first, end = np.searchsorted(ordered, keys), np.searchsorted(ordered, keys, side="right")
    number = end - first  # (D,)
    left = np.repeat(np.arange(len(keys)), number)
    right = np.arange(len(left)) + np.repeat(first - (number.cumsum() - number), number)
    return left, order[right]


def _firsts(ordered: Ints) -> Bools:
    """Which of ordered numbers are not the number before them."""
    new = np.ones(len(ordered), dtype=bool)
    new[1:] = ordered[1:] != ordered[:-1]
    return new
