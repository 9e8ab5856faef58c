"""Mean average precision by the rule of PASCAL VOC's development kit: VOCevaldet.m, and VOCap.m but for its floats."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lightning_app.errors import OptionError
from lightning_app.metrics.batch import Batch, Bools
from lightning_app.metrics.by_picture import OfPictures, PictureMetric
from lightning_app.metrics.matching import match
from lightning_app.metrics.rows import Floats
from lightning_app.statistics.outcomes import Outcomes
from lightning_app.statistics.recall_levels import TENTHS, RecallLevels, recall_levels


class VOCMeanAveragePrecision(PictureMetric):
    """VOC's mean average precision, 11-point (2007) and area under the curve (from 2010).

    Matching is local to a picture: ``update`` matches, and only outcomes are kept and gathered, 8 bytes a detection.
    A picture that is seen more than once counts once. The result is the same to the last digit whatever the order of
    the pictures and the number of ranks: equal scores are ordered by picture, then by place in it.

    Args:
        classes: names of the classes, in the order of their labels.
        iou_threshold: intersection over union from which a detection is a hit, in (0, 1].
        levels: of recall, ``tenths`` or ``arange``, as `lightning_app.statistics.recall_levels` has them.
    """

    truths: list[Tensor]  # rows (label, count): the truths of a class that are not difficult
    detections: list[Tensor]  # rows (score, 2 · label + hit)

    def __init__(self, classes: Sequence[str], iou_threshold: float = 0.5, levels: RecallLevels = "tenths") -> None:
        super().__init__(classes)
        if not 0 < iou_threshold <= 1:
            raise OptionError(f"iou_threshold must be above 0 and at most 1, not {iou_threshold}")
        self.iou_threshold, self.levels = iou_threshold, recall_levels(levels)

    def rows(self, batch: Batch) -> tuple[OfPictures, OfPictures]:
        """The number of truths of each class, and what became of each detection that is judged."""
        classes = len(self.classes)
        hits, judged = match(batch, classes, self.iou_threshold)
        keys = (batch.there * classes + batch.truth_labels)[~batch.difficult]
        kinds, counts = np.unique(keys, return_counts=True)  # by picture and label
        detections: Floats = np.column_stack((batch.scores, 2.0 * batch.labels + hits))
        truths: Floats = np.column_stack((kinds % classes, counts))
        return OfPictures(kinds // classes, truths), OfPictures(batch.found[judged], detections[judged])

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
        owners, counts = self.of_pictures("truths", 2)
        truths = np.column_stack((owners, counts))
        pictures, rows = by_score(*self.of_pictures("detections", 2))
        scores, marks = rows.T
        return Outcomes(
            images=self.images(),
            truths=truths[np.argsort(truths[:, 0], kind="stable")].astype(np.int64),
            index=pictures,
            label=(marks // 2).astype(np.int32),
            score=scores.copy(),
            hit=marks % 2 == 1,
        )


def by_score(pictures: NDArray[np.int32], rows: NDArray[np.float32]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Detections by falling score, equal ones by picture and by place in it: pictures (D,) and rows (D, 2)."""
    # Nothing else of an evaluation takes as much memory: numbers of 32 bits where they do, and in place.
    order = np.argsort(pictures, kind="stable").astype(np.uint32)
    ranked = _falling(rows[order, 0]).astype(np.uint64)
    ranked <<= np.uint64(32)
    ranked |= np.arange(len(order), dtype=np.uint32)
    ranked.sort()
    order = order[ranked.astype(np.uint32)]  # the lower half
    del ranked
    return pictures[order], rows[order]


def _falling(scores: NDArray[np.float32]) -> NDArray[np.uint32]:
    """Whole numbers that rise where the scores fall."""
    falling = (0 - scores).view(np.uint32)  # 0, and not -0, for a score of 0
    # As whole numbers floats are in order where the sign is turned, and below 0 all other bits too.
    return np.where(falling >> 31, ~falling, falling | np.uint32(2**31))


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
