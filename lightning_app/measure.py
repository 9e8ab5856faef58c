"""What is measured at one operating point: accuracy and rate, over all pictures and ranks."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from lightning_app.data import Target
from lightning_app.detections import in_pixels
from lightning_app.graph import Detections
from lightning_app.metrics import KilobitsPerImage, VOCMeanAveragePrecision
from lightning_app.statistics import RecallLevels


class OperatingPoint(nn.Module):
    """The two metrics of one QP.

    Args:
        classes: names of the classes.
        levels: of recall, for the 11-point mAP.
    """

    def __init__(self, classes: Sequence[str], levels: RecallLevels = "tenths") -> None:
        super().__init__()
        self.accuracy = VOCMeanAveragePrecision(classes, levels=levels)
        self.rate = KilobitsPerImage()

    def update(self, found: Sequence[Detections], targets: Sequence[Target], bits: Tensor) -> None:
        """Add B pictures: what was found, what is there, and the bits (B,) that each cost."""
        truths = [{**target, "boxes": target["voc_boxes"]} for target in targets]
        self.accuracy.update([in_pixels(f, t) for f, t in zip(found, targets, strict=True)], truths)
        self.rate.update(bits, torch.tensor([target["index"] for target in targets]))

    def compute(self) -> dict[str, Tensor]:
        """What both metrics compute: of the pictures, ``map``, ``map_area``, ``kbpi`` and so on, and of the classes.

        Gathers from all ranks, and starts anew.
        """
        values = {**self.rate.compute(), **self.accuracy.compute()}
        self.accuracy.reset()
        self.rate.reset()
        return values
