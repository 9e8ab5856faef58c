"""IoU of boxes and the forms of it that a loss can follow where boxes do not meet."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

from lightning_app.boxes import cxcywh_to_xyxy

OverlapKind = Literal["iou", "giou", "diou", "ciou"]


def overlap(predicted: Tensor, truth: Tensor, kind: OverlapKind = "iou") -> Tensor:
    """How well boxes (T, 4) meet boxes (T, 4), both cxcywh -> (T,), at most 1.

    ``iou``; ``giou`` (arXiv 1902.09630), less the part of the hull that neither covers; ``diou`` (arXiv 1911.08287),
    less the squared distance of the centres over that of the hull's corners; ``ciou`` (same paper), less also α·v with
    v = 4/π² · (difference of atan(w/h))² and α = v / (1 - IoU + v), which is taken as a constant.
    """
    p, t = cxcywh_to_xyxy(predicted), cxcywh_to_xyxy(truth)
    low, high = torch.minimum(p[:, :2], t[:, :2]), torch.maximum(p[:, 2:], t[:, 2:])  # (T, 2) of the hull
    shared = (torch.minimum(p[:, 2:], t[:, 2:]) - torch.maximum(p[:, :2], t[:, :2])).clamp(min=0).prod(dim=-1)
    union = predicted[:, 2:].prod(dim=-1) + truth[:, 2:].prod(dim=-1) - shared
    iou = shared / union.clamp(min=torch.finfo(union.dtype).tiny)
    if kind == "iou":
        return iou
    if kind == "giou":
        return iou - 1 + union / (high - low).prod(dim=-1)
    distance = (predicted[:, :2] - truth[:, :2]).square().sum(dim=-1) / (high - low).square().sum(dim=-1)
    return iou - distance - (_aspect_penalty(predicted, truth, iou) if kind == "ciou" else 0)


def _aspect_penalty(predicted: Tensor, truth: Tensor, iou: Tensor) -> Tensor:
    """α·v, (T,)."""
    difference = torch.atan2(predicted[:, 2], predicted[:, 3]) - torch.atan2(truth[:, 2], truth[:, 3])
    v = 4 / math.pi**2 * difference.square()
    alpha = v / (1 - iou + v + 1e-6)  # as Darknet, defined also where the boxes are equal
    return alpha.detach() * v
