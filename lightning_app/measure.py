"""What is measured at one operating point: accuracy and rate, over all pictures and ranks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict, cast

import torch
from torch import Tensor, nn

from lightning_app.data import Target
from lightning_app.detections import in_pixels
from lightning_app.errors import OptionError
from lightning_app.graph import Detections
from lightning_app.metrics import COCOMeanAveragePrecision, KilobitsPerImage, VOCMeanAveragePrecision
from lightning_app.metrics.by_picture import PictureMetric
from lightning_app.metrics.coco_map import check_installed
from lightning_app.records.points import Point
from lightning_app.statistics import RecallLevels

Rule = Literal["voc", "coco"]


class OfCoco(TypedDict, total=False):
    """What is measured by COCO's rule, where it is asked for: the columns of the same names of a `Point`."""

    map75: float
    map_coco: float


class OperatingPoint(nn.Module):
    """The metrics of one QP.

    Args:
        classes: names of the classes.
        levels: of recall, for the 11-point mAP.
        rules: by which accuracy is measured: ``voc``, and ``coco`` if it is asked for.
    """

    def __init__(
        self, classes: Sequence[str], levels: RecallLevels = "tenths", rules: Sequence[Rule] = ("voc",)
    ) -> None:
        super().__init__()
        self.accuracy = VOCMeanAveragePrecision(classes, levels=levels)
        self.coco = COCOMeanAveragePrecision(classes) if "coco" in rules else None
        self.rate = KilobitsPerImage()

    @property
    def of_boxes(self) -> list[PictureMetric]:
        """Those that keep something of each detection."""
        return [self.accuracy] if self.coco is None else [self.accuracy, self.coco]

    def update(self, found: Sequence[Detections], targets: Sequence[Target], bits: Tensor) -> None:
        """Add B pictures: what was found, what is there, and the bits (B,) that each cost."""
        pixels = [in_pixels(f, t) for f, t in zip(found, targets, strict=True)]
        truths = [{**target, "boxes": target["voc_boxes"]} for target in targets]
        for metric in self.of_boxes:
            metric.update(pixels, truths)
        self.rate.update(bits, torch.tensor([target["index"] for target in targets]))

    def compute(self) -> dict[str, Tensor]:
        """What all metrics compute: of the pictures, ``map``, ``map_area``, ``kbpi`` and so on, and of the classes.

        Gathers from all ranks, and starts anew.
        """
        metrics = (self.rate, *self.of_boxes)
        values = {name: value for metric in metrics for name, value in metric.compute().items()}
        self.reset()
        return values

    def reset(self) -> None:
        """Forget the pictures."""
        for metric in (self.rate, *self.of_boxes):
            metric.reset()


def of_coco(values: Mapping[str, Tensor]) -> OfCoco:
    """What is COCO's of all that was measured: nothing where it was not asked for."""
    return cast(OfCoco, {name: float(values[name]) for name in OfCoco.__annotations__ if name in values})


def logged(points: Sequence[Point], stage: str) -> dict[str, float]:
    """What loggers get of operating points: ``val/map``, the mean, by which checkpoints go, and each one's numbers.

    Args:
        points: of one network.
        stage: ``val`` or ``test``.
    """
    values = {f"{stage}/map": sum(point.map for point in points) / len(points)}
    for point in points:
        values[f"{stage}/map_{point.label}"] = point.map
        values[f"{stage}/map_area_{point.label}"] = point.map_area
        values[f"{stage}/kbpi_{point.label}"] = point.kbpi
        by_coco = {name: getattr(point, name) for name in OfCoco.__annotations__}
        values |= {f"{stage}/{name}_{point.label}": one for name, one in by_coco.items() if one is not None}
    return values


def check_rules(rules: Sequence[str]) -> None:
    """Refuse rules that cannot be measured by.

    Raises:
        OptionError: VOC's is not among them, by which checkpoints are chosen, or COCO's needs a package.
    """
    if "voc" not in rules:
        wanted = ", ".join(["voc", *rules])
        raise OptionError(f"model.metrics must have voc, which figures and checkpoints go by: give [{wanted}]")
    if "coco" in rules:
        check_installed()


def of_accuracy(options: Mapping[str, Any]) -> tuple[RecallLevels, Sequence[Rule]]:
    """Those options of a detector that say how accuracy is measured, as `OperatingPoint` takes them."""
    return options["recall_levels"], options["metrics"]
