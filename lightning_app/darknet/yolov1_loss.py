"""Eq. (1) of the paper, which is YOLOv1's loss, on a region head.

The equation leaves two things to YOLOv1's paper: the confidence that an anchor should state is the IoU of its box
with the truth, and a centre is measured in its cell, a size in the picture.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from lightning_app.darknet.assign import Assignment, in_cells, keep, latest, pair
from lightning_app.darknet.box_overlap import overlap
from lightning_app.darknet.head import Head, class_probabilities, decode_boxes, take_apart
from lightning_app.darknet.region import RegionOptions
from lightning_app.darknet.region_loss import MAX_TRUTHS
from lightning_app.graph import Truth

COORD_SCALE = 5.0
"""λ_coord."""
NOOBJECT_SCALE = 0.5
"""λ_noobj."""


def yolov1_loss(raw: Tensor, truths: Sequence[Truth], region: RegionOptions) -> dict[str, Tensor]:
    """The terms of Eq. (1), each summed over the picture and averaged over the batch.

    An object's class is asked of the anchor that is responsible for it, as a region head gives classes by anchor and
    not by cell. The scales of the ``.cfg`` and its ``thresh``, ``rescore`` and ``bias_match`` have no part in it.

    Args:
        raw: (B, A·(5 + K), N, M) the head's raw output.
        truths: the objects of each picture; those past the 30th are left out.
        region: options of the head, which has no tree.

    Returns:
        ``box``, ``objectness`` and ``class``; their sum is the loss.
    """
    head = take_apart(raw, region)
    boxes = decode_boxes(head, region)  # (B, A, N, M, 4)
    assigned = responsible(boxes.detach(), truths)
    terms = {
        "box": COORD_SCALE * _box_term(boxes, assigned),
        "objectness": _objectness_term(head, boxes.detach(), assigned),
        "class": _class_term(head, assigned, region),
    }
    return {name: term / len(raw) for name, term in terms.items()}


def responsible(boxes: Tensor, truths: Sequence[Truth]) -> Assignment:
    """Each truth to the anchor of its cell whose predicted box has the highest IoU; of two of one the later stays.

    Args:
        boxes: (B, A, N, M, 4) cxcywh fractions.
        truths: the objects of each picture.
    """
    _, anchors, n, m, _ = boxes.shape
    cells = in_cells(truths, (n, m), MAX_TRUTHS, boxes.device)
    predicted = boxes[cells.picture, :, cells.row, cells.column]  # (T, A, 4)
    iou = overlap(predicted.flatten(0, 1), cells.boxes.repeat_interleave(anchors, dim=0)).view(-1, anchors)  # (T, A)
    assigned = pair(cells, torch.arange(len(iou), device=iou.device), iou.argmax(dim=1))
    return keep(assigned, latest(assigned.which))


def _box_term(boxes: Tensor, assigned: Assignment) -> Tensor:
    """(x - x̂)² + (y - ŷ)² in cells, and (√w - √ŵ)² + (√h - √ĥ)² in pictures."""
    cells = boxes.new_tensor([boxes.shape[3], boxes.shape[2]])  # M, N
    predicted, truth = boxes[assigned.where], assigned.boxes  # (T, 4), (T, 4)
    place = ((predicted[:, :2] - truth[:, :2]) * cells).square()
    size = (predicted[:, 2:].sqrt() - truth[:, 2:].sqrt()).square()
    return (place + size).sum()


def _objectness_term(head: Head, boxes: Tensor, assigned: Assignment) -> Tensor:
    """(C - Ĉ)²: a responsible anchor's C is its IoU with the truth, every other's 0, at λ_noobj."""
    weight = torch.full_like(head.objectness, NOOBJECT_SCALE)
    target = torch.zeros_like(weight)
    weight[assigned.where] = 1
    target[assigned.where] = overlap(boxes[assigned.where], assigned.boxes)
    return (weight * (head.objectness.sigmoid() - target).square()).sum()


def _class_term(head: Head, assigned: Assignment, region: RegionOptions) -> Tensor:
    """(p(c) - p̂(c))² over the classes of each responsible anchor."""
    probabilities = class_probabilities(head.classes[assigned.where], region)  # (T, K)
    return (F.one_hot(assigned.labels, region.classes) - probabilities).square().sum()
