"""Detections as a user reads them: in the pixels of the original picture, and with the names of their classes."""

from __future__ import annotations

from collections.abc import Sequence

from lightning_app.boxes import input_to_picture, xyxy_to_voc
from lightning_app.data import Target
from lightning_app.errors import OptionError
from lightning_app.graph import Detections


def check_thresholds(score: float, overlap: float) -> None:
    """Refuse thresholds by which nothing would be found, or nothing be removed.

    Raises:
        OptionError: one is not 0 to 1.
    """
    for name, value in {"score_threshold": score, "nms_threshold": overlap}.items():
        if not 0 <= value <= 1:
            raise OptionError(f"{name} must be 0 to 1, not {value:g}")


def in_pixels(found: Detections, target: Target) -> Detections:
    """The detections with their boxes in VOC's pixels of the original picture."""
    boxes = input_to_picture(found["boxes"], target["window"])
    return {**found, "boxes": xyxy_to_voc(boxes, target["size"])}


def with_names(found: Detections, classes: Sequence[str]) -> list[dict[str, object]]:
    """Detections as JSON has them: class, score and box, xyxy in VOC's pixels."""
    boxes, scores, labels = (found[key].tolist() for key in ("boxes", "scores", "labels"))
    rows = zip(boxes, scores, labels, strict=True)
    return [{"class": classes[label], "score": score, "box": box} for box, score, label in rows]


def as_coco(picture: str, found: Detections) -> list[dict[str, object]]:
    """Detections in the form of COCO's results (cocodataset.org, "Results format").

    A box is x, y, width and height in pixels, counted from 0: one over the first ten pixels of a row has x 0 and width
    10, where VOC says 1 to 10. ``category_id`` is the number of the class, from 1.

    Args:
        picture: its id, which becomes ``image_id``.
        found: boxes (D, 4) xyxy in VOC's pixels, scores and labels (D,).
    """
    boxes, scores, labels = (found[key].tolist() for key in ("boxes", "scores", "labels"))
    rows = zip(boxes, scores, labels, strict=True)
    return [
        {
            "image_id": picture,
            "category_id": label + 1,
            "bbox": [x1 - 1, y1 - 1, x2 - x1 + 1, y2 - y1 + 1],
            "score": score,
        }
        for (x1, y1, x2, y2), score, label in rows
    ]
