"""What is known of one operating point before any conclusion is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightning_app.records.classes import ClassRow
from lightning_app.records.points import Point
from lightning_app.statistics import Outcomes, recall_levels, resampled_map

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Measurement:
    """One operating point.

    Attributes:
        point: without what resampling adds.
        ids: I names of the pictures, in the order of their numbers.
        outcomes: of the detections.
        bits: (I,) that each picture cost.
        losses: (I,) Darknet's loss of each picture.
        class_rows: what each class reached.
    """

    point: Point
    ids: list[str]
    outcomes: Outcomes
    bits: Floats
    losses: Floats
    class_rows: Sequence[ClassRow] = ()

    def resampled_map(self, counts: NDArray[np.integer[Any]]) -> Floats:
        """The 11-point mAP (R,) of resamples of the pictures, which stand (R, I) times in them."""
        # A class that is neither found nor there changes nothing.
        largest = max(labels.max(initial=0) for labels in (self.outcomes.truths[:, 1], self.outcomes.label))
        levels = recall_levels(self.point.recall_levels)
        return resampled_map(self.outcomes, 1 + int(largest), counts, levels)[:, 0]
