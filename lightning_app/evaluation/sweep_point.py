"""What is measured at one operating point of an evaluation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import BinaryIO

import numpy as np
import torch
from torch import nn

from lightning_app.data import Target
from lightning_app.evaluation.judge import Judgement
from lightning_app.measure import OperatingPoint
from lightning_app.metrics import PictureLoss


class SweepPoint(nn.Module):
    """Accuracy and rate, and the loss.

    What is kept of each detection is by far the most of what is known of a picture, and all points of a sweep know it
    at once. So it lies on disk until it is computed from.

    Args:
        point: the metrics of one QP.
        open_file: opens a file for it, empty and of its own; whoever gives this function closes the files.
    """

    def __init__(self, point: OperatingPoint, open_file: Callable[[], BinaryIO]) -> None:
        super().__init__()
        self.point, self.loss = point, PictureLoss()
        self.files = [open_file() for _ in point.of_boxes]

    def update(self, judgements: Sequence[Judgement], targets: Sequence[Target]) -> None:
        """Add pictures."""
        self.point.update([one.found for one in judgements], targets, torch.tensor([one.bits for one in judgements]))
        self.loss.update([one.loss for one in judgements], [target["index"] for target in targets])
        for metric, file in zip(self.point.of_boxes, self.files, strict=True):
            for rows in metric.detections:
                file.write(rows.cpu().numpy().tobytes())
            metric.detections.clear()

    def fetch(self) -> None:
        """Take back what lies on disk: the metrics can be computed from now on."""
        for metric, file in zip(self.point.of_boxes, self.files, strict=True):
            file.seek(0)
            metric.detections.append(torch.from_numpy(np.fromfile(file, np.float32)).to(metric.device))

    def reset(self) -> None:
        """Forget the pictures."""
        self.point.reset()
        self.loss.reset()
