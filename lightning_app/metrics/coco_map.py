"""COCO's mean average precision, by faster-coco-eval: this program only keeps the boxes until all pictures are seen."""

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lightning_app.errors import OptionError
from lightning_app.metrics.batch import Batch
from lightning_app.metrics.by_picture import OfPictures, PictureMetric
from lightning_app.metrics.rows import Floats

MOST = 100
"""Detections of one class that count in one picture: COCO's largest maxDets."""
STRICT = 0.75
"""The IoU of ``map75``."""


class COCOMeanAveragePrecision(PictureMetric):
    """COCO's mean average precision, over IoUs of .5, .55 … .95 and 101 levels of recall, and that at IoU .75.

    An object that is marked difficult is COCO's ``iscrowd``: it is not waited for, and a detection that lies in it is
    neither right nor wrong. "Lies in it" is COCO's rule for a crowd: the intersection is divided by the area of the
    detection only, and any number of detections may lie in one. Boxes are VOC's, so that widths are one more than the
    difference of the edges. The result does not depend on the order of the pictures and the number of ranks.

    Args:
        classes: names of the classes, in the order of their labels.
    """

    truths: list[Tensor]  # rows (label, difficult, x1, y1, x2, y2)
    detections: list[Tensor]  # rows (label, score, x1, y1, x2, y2)

    def __init__(self, classes: Sequence[str]) -> None:
        super().__init__(classes)
        check_installed()

    def rows(self, batch: Batch) -> tuple[OfPictures, OfPictures]:
        """All boxes."""
        truths: Floats = np.column_stack((batch.truth_labels, batch.difficult, batch.truths))
        detections: Floats = np.column_stack((batch.labels, batch.scores, batch.boxes))
        return OfPictures(batch.there, truths), OfPictures(batch.found, detections)

    def compute(self) -> dict[str, Tensor]:
        """The precision over all pictures seen so far.

        Returns:
            ``map_coco``: mean over the classes and the IoUs, a fraction; ``map75``: mean over the classes at IoU .75.
            In float64 on the CPU. A class without a truth, difficult ones aside, is left out; without any they are NaN.
        """
        truths, found = self._boxes("truths", "iscrowd"), self._boxes("detections", "score")
        precision, thresholds = evaluate(self.images().tolist(), self.classes, truths, found)
        return {"map_coco": mean(precision), "map75": mean(precision[np.isclose(thresholds, STRICT)])}

    def _boxes(self, name: str, mark: str) -> list[dict[str, Any]]:
        """A table in COCO's form. The library puts the pictures in order; in a picture it keeps this one."""
        pictures, rows = self.of_pictures(name, 6)
        labels, marks, *_ = rows.T
        corners = rows[:, 2:].astype(np.float64)  # xyxy, inclusive pixels
        boxes = np.concatenate((corners[:, :2], corners[:, 2:] - corners[:, :2] + 1), axis=1)  # (R, 4) x, y, w, h
        columns = (pictures.tolist(), labels.astype(int).tolist(), marks.tolist(), boxes.tolist())
        return [
            {"id": k, "image_id": picture, "category_id": label, mark: value, "bbox": box, "area": box[2] * box[3]}
            for k, (picture, label, value, box) in enumerate(zip(*columns, strict=True), start=1)
        ]


def evaluate(
    images: list[int], classes: Sequence[str], truths: list[dict[str, Any]], found: list[dict[str, Any]]
) -> tuple[Floats, Floats]:
    """COCO's evaluation of boxes of any size.

    Args:
        images: numbers of the pictures.
        classes: names of the classes.
        truths: annotations in COCO's form.
        found: results in COCO's form.

    Returns:
        The precision (10, 101, classes) by IoU and level of recall, -1 for a class without a truth; the IoUs (10,).
    """
    from faster_coco_eval import COCO, COCOeval_faster  # an extra

    categories = [{"id": label, "name": name} for label, name in enumerate(classes)]
    there = [{**one, "iscrowd": int(one["iscrowd"])} for one in truths]
    data = COCO({"images": [{"id": image} for image in images], "categories": categories, "annotations": there})
    evaluation = COCOeval_faster(data, data.loadRes(found), iouType="bbox")
    params = evaluation.params
    params.areaRng, params.areaRngLbl, params.maxDets = params.areaRng[:1], params.areaRngLbl[:1], [MOST]
    evaluation.evaluate()
    evaluation.accumulate()
    precision: NDArray[np.float64] = np.asarray(evaluation.eval["precision"])[..., 0, 0]
    return precision, np.asarray(params.iouThrs)


def mean(precision: Floats) -> Tensor:
    """The mean of those that are known, as COCO's summary takes it; NaN if none is."""
    known = precision[precision > -1]
    return torch.tensor(known.mean() if len(known) else np.nan, dtype=torch.float64)


def check_installed() -> None:
    """Refuse to measure by COCO's rule without the package that does it, with an OptionError."""
    if find_spec("faster_coco_eval") is None:
        raise OptionError(
            "COCO's precision needs the package faster-coco-eval: pip install 'deep-feature-compression[coco]', or "
            'measure by --model.metrics "[voc]"'
        )
