"""Mean average precision by the rule of PASCAL VOC's development kit: VOCevaldet.m and VOCap.m."""

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lightning_app.errors import DataError, OptionError
from lightning_app.metrics.matching import Bools, Picture, check, match, read
from lightning_app.metrics.rows import Floats, RowMetric, once
from lightning_app.statistics.outcomes import Outcomes


class VOCMeanAveragePrecision(RowMetric):
    """VOC's mean average precision, 11-point (2007) and area under the curve (from 2010).

    Matching is local to a picture: ``update`` matches, and only outcomes are kept and gathered. A picture that is seen
    more than once, because a distributed sampler pads, counts once. The result is the same to the last digit whatever
    the order of the pictures and the number of ranks: equal scores are ordered by picture, then by place in it.

    Args:
        classes: names of the classes, in the order of their labels.
        iou_threshold: intersection over union from which a detection is a hit, in (0, 1].
    """

    higher_is_better = True
    # The leading columns are the key of a row. `view` tells apart the times that one picture was seen.
    pictures: list[Tensor]  # rows (index, view)
    truths: list[Tensor]  # rows (index, label, view, count): the truths of a class that are not difficult
    detections: list[Tensor]  # rows (index, ordinal, view, score, label, hit)

    def __init__(self, classes: Sequence[str], iou_threshold: float = 0.5) -> None:
        super().__init__()
        if not classes:
            raise OptionError("classes must name at least one class")
        if not 0 < iou_threshold <= 1:
            raise OptionError(f"iou_threshold must be above 0 and at most 1, not {iou_threshold}")
        self.classes = tuple(classes)
        self.iou_threshold = iou_threshold
        self.add_table("pictures")
        self.add_table("truths")
        self.add_table("detections")

    def update(self, predictions: Sequence[Mapping[str, Any]], targets: Sequence[Mapping[str, Any]]) -> None:
        """Judge the detections of a batch of pictures. Boxes are xyxy pixels, inclusive and 1-based as VOC's.

        Args:
            predictions: one a picture: ``boxes`` (D, 4), ``scores`` (D,) and ``labels`` (D,), of any float precision;
                scores are kept in float32.
            targets: one a picture: ``boxes`` (G, 4), ``labels`` (G,), ``difficult`` (G,) and ``index``, the picture's
                number in its data set, below 2**24.
        """
        if len(predictions) != len(targets):
            raise DataError(f"predictions and targets must go in pairs, not {len(predictions)} with {len(targets)}")
        if not targets:
            return
        batch = list(read(predictions, targets))
        for picture in batch:
            check(picture, len(self.classes))
        tables = [judge(picture, self.iou_threshold) for picture in batch]
        for name, parts in zip(("pictures", "truths", "detections"), zip(*tables, strict=True), strict=True):
            self.append(name, np.concatenate(parts))

    def compute(self) -> dict[str, Tensor]:
        """The precision over all pictures seen so far.

        Returns:
            ``map``: mean over the classes of the 11-point average precision, a fraction; ``map_area``: that of the
            area under the curve; ``ap`` and ``ap_area``: (classes,) their terms, () where there is only one class
            because torchmetrics squeezes; ``images``: how many pictures. All on the CPU, precisions in float64.
            A class without a truth, difficult ones aside, is NaN and left out of the means; without any they are NaN.
        """
        seen = self.outcomes()
        truths, detections = seen.truths, seen.detections
        positives = np.bincount(truths[:, 1], weights=truths[:, 2], minlength=len(self.classes))
        hits = [detections[detections[:, 1] == label, 3] == 1 for label in range(len(self.classes))]
        ap, area = np.array([average_precision(*pair) for pair in zip(hits, positives, strict=True)]).T
        values = {"map": mean(ap), "map_area": mean(area), "ap": ap, "ap_area": area, "images": len(seen.images)}
        # Through NumPy, because torch makes a Python float a float32.
        return {name: torch.from_numpy(np.array(value)) for name, value in values.items()}

    def outcomes(self) -> Outcomes:
        """What `compute` computes from: this rank's, or that of all ranks inside ``with metric.sync_context():``."""
        pictures = once(self.table("pictures", 2), keys=1)
        truths = once(in_view(self.table("truths", 4), pictures), keys=2)
        detections = once(in_view(self.table("detections", 6), pictures), keys=2)
        detections = detections[np.argsort(-detections[:, 3], kind="stable")]  # stable: by index and ordinal if equal
        return Outcomes(
            images=pictures[:, 0].astype(np.int64),
            truths=truths[:, [0, 1, 3]].astype(np.int64),
            detections=detections[:, [0, 4, 3, 5]],
        )


def judge(picture: Picture, iou_threshold: float) -> tuple[Floats, Floats, Floats]:
    """One picture's rows of the three tables of `VOCMeanAveragePrecision`."""
    hits, judged = match(picture, iou_threshold)
    every: Floats = np.stack((np.arange(len(hits)), picture.scores, picture.labels, hits), axis=1)
    found = every[judged]  # (R, 4)
    labels, counts = np.unique(picture.truth_labels[~picture.difficult], return_counts=True)
    view = fingerprint(found)

    def rows(keys: NDArray[Any], *values: NDArray[Any]) -> Floats:
        n = len(keys)
        table: Floats = np.column_stack((np.full(n, float(picture.index)), keys, np.full(n, view), *values))
        return table

    pictures = np.array([[picture.index, view]])
    return pictures, rows(labels, counts), rows(found[:, 0], found[:, 1:])


def fingerprint(found: Floats) -> float:
    """A number of 24 bits that tells one view of a picture from another.

    A picture that a sampler repeats can be found in slightly different detections, because its batch has another
    shape. Its views must not be mixed: the one of the smallest fingerprint counts, whichever rank saw it.
    """
    return float(zlib.crc32(found.tobytes()) >> 8)


def in_view(rows: Floats, pictures: Floats) -> Floats:
    """The rows (R, 2 + view …) that belong to the view of their picture in ``pictures`` (I, 2), sorted by index."""
    views = pictures[np.searchsorted(pictures[:, 0], rows[:, 0]), 1]  # (R,)
    kept: Floats = rows[rows[:, 2] == views]
    return kept


def average_precision(hits: Bools, positives: float) -> tuple[float, float]:
    """The average precision of one class, as VOCap.m computes it.

    Args:
        hits: (R,) of all detections by falling score.
        positives: how many truths there are, difficult ones aside.

    Returns:
        The 11-point average and the area under the monotone envelope of the curve, NaN without positives.
    """
    if not positives:
        return np.nan, np.nan
    found = hits.cumsum()  # (R,)
    precision = found / np.arange(1, len(hits) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]  # the best precision at this recall or a higher one
    # Recall ≥ k/10 in whole numbers: the float .1·3 lies above 3/10, and would ask for one hit more.
    levels = np.searchsorted(10 * found, np.arange(11) * positives)  # (11,)
    return np.append(envelope, 0.0)[levels].mean(), envelope[hits].sum() / positives


def mean(values: Floats) -> float:
    """The mean of those that are not NaN, NaN if there is none."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else np.nan
