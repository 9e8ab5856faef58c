"""Mean average precision by the rule of PASCAL VOC's development kit: VOCevaldet.m, and VOCap.m but for its floats."""

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lightning_app.errors import DataError, OptionError
from lightning_app.metrics.batch import Batch, Bools, read
from lightning_app.metrics.matching import match
from lightning_app.metrics.rows import Floats, RowMetric, once
from lightning_app.statistics.outcomes import Outcomes
from lightning_app.statistics.recall_levels import TENTHS, RecallLevels, recall_levels


class VOCMeanAveragePrecision(RowMetric):
    """VOC's mean average precision, 11-point (2007) and area under the curve (from 2010).

    Matching is local to a picture: ``update`` matches, and only outcomes are kept and gathered. A picture that is seen
    more than once, because a distributed sampler pads, counts once. The result is the same to the last digit whatever
    the order of the pictures and the number of ranks: equal scores are ordered by picture, then by place in it.

    Args:
        classes: names of the classes, in the order of their labels.
        iou_threshold: intersection over union from which a detection is a hit, in (0, 1].
        levels: of recall, ``tenths`` or ``arange``, as `lightning_app.statistics.recall_levels` has them.
    """

    higher_is_better = True
    # One row of `pictures` each time that a picture was seen, which `view` tells apart. It says how many of the next
    # rows of the other tables are its own: they are most of what is kept, 8 bytes a detection.
    pictures: list[Tensor]  # rows (index, view, rows of truths, rows of detections)
    truths: list[Tensor]  # rows (label, count): the truths of a class that are not difficult
    detections: list[Tensor]  # rows (score, 2 · label + hit)

    def __init__(self, classes: Sequence[str], iou_threshold: float = 0.5, levels: RecallLevels = "tenths") -> None:
        super().__init__()
        if not classes:
            raise OptionError("classes must name at least one class")
        if not 0 < iou_threshold <= 1:
            raise OptionError(f"iou_threshold must be above 0 and at most 1, not {iou_threshold}")
        self.classes = tuple(classes)
        self.iou_threshold, self.levels = iou_threshold, recall_levels(levels)
        self.add_table("pictures")
        self.add_table("truths")
        self.add_table("detections")

    def update(self, predictions: Sequence[Mapping[str, Any]], targets: Sequence[Mapping[str, Any]]) -> None:
        """Judge the detections of a batch of pictures. Boxes are xyxy pixels, inclusive and 1-based as VOC's.

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
        tables = judge(batch, len(self.classes), self.iou_threshold)
        for name, rows in zip(("pictures", "truths", "detections"), tables, strict=True):
            self.append(name, rows)

    def compute(self) -> dict[str, Tensor]:
        """The precision over all pictures seen so far.

        Returns:
            ``map``: mean over the classes of the 11-point average precision, a fraction; ``map_area``: that of the
            area under the curve; ``images``: how many pictures; ``ap`` and ``ap_area``: (classes,) the terms of the
            means; ``objects``: (classes,) how many truths, difficult ones aside. All on the CPU, precisions in float64.
            Where there is only one class, torchmetrics makes (classes,) to ().
            A class without a truth, difficult ones aside, is NaN and left out of the means; without any they are NaN.
        """
        values = precisions(self.outcomes(), len(self.classes), self.levels)
        # Through NumPy, because torch makes a Python float a float32.
        return {name: torch.from_numpy(np.array(value)) for name, value in values.items()}

    def outcomes(self) -> Outcomes:
        """What `compute` computes from: this rank's, or that of all ranks inside ``with metric.sync_context():``."""
        views = self.table("pictures", 4)
        kept = one_a_picture(views)
        index, _, labels, found = views.T.astype(np.int32)  # (V,)
        truths = np.column_stack((np.repeat(index, labels), self.table("truths", 2)))[np.repeat(kept, labels)]
        mine = np.repeat(kept, found)
        pictures, rows = by_score(np.repeat(index, found)[mine], self.table("detections", 2)[mine])
        scores, marks = rows.T
        return Outcomes(
            images=np.sort(index[kept]).astype(np.int64),
            truths=truths[np.argsort(truths[:, 0], kind="stable")].astype(np.int64),
            index=pictures,
            label=(marks // 2).astype(np.int32),
            score=scores.copy(),
            hit=marks % 2 == 1,
        )


def judge(batch: Batch, classes: int, iou_threshold: float) -> tuple[Floats, Floats, Floats]:
    """A batch's rows of the three tables of `VOCMeanAveragePrecision`."""
    hits, judged = match(batch, classes, iou_threshold)
    pictures = len(batch.index)
    places = np.arange(len(hits)) - np.searchsorted(batch.found, batch.found)  # (D,) of each in its picture
    every: Floats = np.stack((places, batch.scores, batch.labels, hits), axis=1)
    found, numbers = every[judged], np.bincount(batch.found[judged], minlength=pictures)  # (R, 4), (B,)
    ends = numbers.cumsum()
    views = [fingerprint(found[start:end]) for start, end in zip(ends - numbers, ends, strict=True)]
    keys = (batch.there * classes + batch.truth_labels)[~batch.difficult]
    kinds, counts = np.unique(keys, return_counts=True)  # by picture and label
    labelled = np.bincount(kinds // classes, minlength=pictures)
    rows: Floats = np.column_stack((batch.index, views, labelled, numbers))
    truths: Floats = np.column_stack((kinds % classes, counts))
    detections: Floats = np.column_stack((found[:, 1], 2 * found[:, 2] + found[:, 3]))
    return rows, truths, detections


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


def by_score(pictures: NDArray[np.int32], rows: NDArray[np.float32]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Detections by falling score, equal ones by picture and by place in it: pictures (D,) and rows (D, 2)."""
    order = np.argsort(pictures, kind="stable")
    falling = (0 - rows[order, 0]).view(np.uint32)  # 0, and not -0, for a score of 0
    # As whole numbers floats are in order where the sign is turned, and below 0 all other bits too.
    turned = np.where(falling >> 31, ~falling, falling | np.uint32(2**31)).astype(np.uint64)
    ranked = np.sort(turned << np.uint64(32) | np.arange(len(order), dtype=np.uint64))
    order = order[ranked & np.uint64(2**32 - 1)]
    return pictures[order], rows[order]


def precisions(seen: Outcomes, classes: int, levels: Floats = TENTHS) -> dict[str, Any]:
    """What `VOCMeanAveragePrecision.compute` computes, as NumPy's arrays and numbers."""
    positives = np.bincount(seen.truths[:, 1], weights=seen.truths[:, 2], minlength=classes)
    hits = [seen.hit[seen.label == label] for label in range(classes)]
    ap, area = np.array([average_precision(*pair, levels) for pair in zip(hits, positives, strict=True)]).T
    means = {"map": mean(ap), "map_area": mean(area), "images": len(seen.images)}
    return {**means, "ap": ap, "ap_area": area, "objects": positives.astype(np.int64)}


def average_precision(hits: Bools, positives: float, levels: Floats) -> tuple[float, float]:
    """The average precision of one class, as VOCap.m computes it at these levels.

    Args:
        hits: (R,) of all detections by falling score.
        positives: how many truths there are, difficult ones aside.
        levels: (11,) of recall.

    Returns:
        The 11-point average and the area under the monotone envelope of the curve, NaN without positives.
    """
    if not positives:
        return np.nan, np.nan
    found = hits.cumsum()  # (R,)
    precision = found / np.arange(1, len(hits) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]  # the best precision at this recall or a higher one
    first = np.searchsorted(found / positives, levels)  # (11,) the first detection that reaches each level
    return np.append(envelope, 0.0)[first].mean(), envelope[hits].sum() / positives


def mean(values: Floats) -> float:
    """The mean of those that are not NaN, NaN if there is none."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else np.nan
