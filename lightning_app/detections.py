"""Detections as a user reads them: in the pixels of the original picture, and with the names of their classes."""

from __future__ import annotations

from collections.abc import Sequence

from lightning_app.boxes import input_to_picture, xyxy_to_voc
from lightning_app.data import Target
from lightning_app.graph import Detections


def in_pixels(found: Detections, target: Target) -> Detections:
    """The detections with their boxes in VOC's pixels of the original picture."""
    boxes = input_to_picture(found["boxes"], target["window"])
    return {**found, "boxes": xyxy_to_voc(boxes, target["size"])}


def with_names(found: Detections, classes: Sequence[str]) -> list[dict[str, object]]:
    """Detections as JSON has them: class, score and box, xyxy in VOC's pixels."""
    boxes, scores, labels = (found[key].tolist() for key in ("boxes", "scores", "labels"))
    rows = zip(boxes, scores, labels, strict=True)
    return [{"class": classes[label], "score": score, "box": box} for box, score, label in rows]
