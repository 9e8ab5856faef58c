"""What is measured at one operating point of an evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO, NamedTuple

import numpy as np
import torch
from torch import nn

from lightning_app.data import Target
from lightning_app.graph import Detections
from lightning_app.measure import OperatingPoint
from lightning_app.metrics import PictureLoss


class Judgement(NamedTuple):
    """One picture at one operating point."""

    found: Detections
    loss: float
    bits: int


class SweepPoint(nn.Module):
    """Accuracy and rate, and the loss.

    What became of each detection is by far the most of what is known of a picture, and all points of a sweep know it
    at once. So it lies on disk until it is computed from.

    Args:
        point: the metrics of one QP.
        file: for what became of each detection, empty and of its own; whoever opened it closes it.
    """

    def __init__(self, point: OperatingPoint, file: BinaryIO) -> None:
        super().__init__()
        self.point, self.loss, self.file = point, PictureLoss(), file

    def update(self, judgements: Sequence[Judgement], targets: Sequence[Target]) -> None:
        """Add pictures."""
        self.point.update([one.found for one in judgements], targets, torch.tensor([one.bits for one in judgements]))
        self.loss.update([one.loss for one in judgements], [target["index"] for target in targets])
        for rows in self.point.accuracy.detections:
            self.file.write(rows.cpu().numpy().tobytes())
        self.point.accuracy.detections.clear()

    def fetch(self) -> None:
        """Take back what lies on disk: the metrics can be computed from now on."""
        self.file.seek(0)
        rows = torch.from_numpy(np.fromfile(self.file, np.float32))
        self.point.accuracy.detections.append(rows.to(self.point.accuracy.device))

    def reset(self) -> None:
        """Forget the pictures."""
        for metric in (self.point.accuracy, self.point.rate, self.loss):
            metric.reset()
