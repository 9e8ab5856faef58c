"""YOLOv2's region loss, whose gradient is what Darknet writes into ``delta``.

Darknet states gradients, not a loss: ``delta = scale · (target - prediction)`` for squared terms is the gradient of
½ · scale · (target - prediction)², and for the softmax that of scale · cross-entropy. Source: ``src/region_layer.c``
(``forward_region_layer``, ``delta_region_box``, ``delta_region_class``), October 2017.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypedDict

import torch
from torch import Tensor
from torch.nn import functional as F

from lightning_app.boxes import cxcywh_to_xyxy, pairwise_iou
from lightning_app.darknet.head import Head, decode_boxes, take_apart
from lightning_app.darknet.region import RegionOptions

MAX_TRUTHS = 30
"""Boxes a picture that Darknet keeps."""
WARM_UP = 12_800
"""Pictures during which every anchor is also pulled to its prior."""
PRIOR_SCALE = 0.01
"""Weight of that pull."""


class Truth(TypedDict):
    """The objects of one picture: ``boxes`` (G, 4) cxcywh fractions, ``labels`` (G,) class numbers."""

    boxes: Tensor
    labels: Tensor


class Assignment(NamedTuple):
    """The truths that train an anchor, T of them, and where.

    ``where`` holds (T,) numbers of picture, anchor, row and column; ``boxes`` (T, 4) cxcywh, ``labels`` (T,).
    """

    where: tuple[Tensor, Tensor, Tensor, Tensor]
    boxes: Tensor
    labels: Tensor


def detection_loss(
    raws: Sequence[Tensor], truths: Sequence[Truth], heads: Sequence[RegionOptions], seen: int
) -> dict[str, Tensor]:
    """The terms of the loss of all heads, added up by their names.

    Args:
        raws: the outputs of the network, each (B, A·(5 + K), N, M).
        truths: the objects of each picture.
        heads: the options of each head.
        seen: pictures that the network was trained on before these.
    """
    terms: dict[str, Tensor] = {}
    for raw, options in zip(raws, heads, strict=True):
        for name, term in region_loss(raw, truths, options, seen).items():
            terms[name] = terms[name] + term if name in terms else term
    return terms


def region_loss(raw: Tensor, truths: Sequence[Truth], region: RegionOptions, seen: int) -> dict[str, Tensor]:
    """The terms of the loss, each summed over the picture and averaged over the batch.

    Args:
        raw: (B, A·(5 + K), N, M) the head's raw output.
        truths: the objects of each picture; those past the 30th are left out, as in Darknet.
        region: options of the head.
        seen: pictures that the network was trained on before these.

    Returns:
        ``box``, ``objectness``, ``class`` and ``prior``; their sum is the loss.
    """
    head = take_apart(raw, region)
    truths = [{"boxes": t["boxes"][:MAX_TRUTHS], "labels": t["labels"][:MAX_TRUTHS]} for t in truths]
    boxes = decode_boxes(head, region).detach()  # (B, A, N, M, 4)
    assigned = assign(head, truths, region)
    terms = {
        "box": _box_term(head, assigned, region),
        "objectness": _objectness_term(head, boxes, truths, assigned, region),
        "class": region.class_scale * F.cross_entropy(head.logits[assigned.where], assigned.labels, reduction="sum"),
        "prior": _prior_term(head, assigned) if seen < WARM_UP else raw.new_zeros(()),
    }
    return {name: term / len(raw) for name, term in terms.items()}


def assign(head: Head, truths: Sequence[Truth], region: RegionOptions) -> Assignment:
    """Each truth to one anchor of its centre's cell; of two truths of one anchor the later wins."""
    _, _, n, m, _ = head.wh.shape
    device = head.wh.device
    picture = torch.cat([torch.full((len(t["boxes"]),), i, device=device) for i, t in enumerate(truths)])  # (T,)
    boxes = torch.cat([t["boxes"] for t in truths]).float()  # (T, 4)
    labels = torch.cat([t["labels"] for t in truths])  # (T,)
    column = (boxes[:, 0] * m).long().clamp(0, m - 1)
    row = (boxes[:, 1] * n).long().clamp(0, n - 1)
    anchor = _best_anchor(head, boxes, picture, row, column, region)
    place = ((picture * len(region.anchors) + anchor) * n + row) * m + column  # (T,)
    later_wins = ~(place[:, None] == place[None]).triu(diagonal=1).any(dim=1)
    where = (picture[later_wins], anchor[later_wins], row[later_wins], column[later_wins])
    return Assignment(where, boxes[later_wins], labels[later_wins])


def _best_anchor(
    head: Head, boxes: Tensor, picture: Tensor, row: Tensor, column: Tensor, region: RegionOptions
) -> Tensor:
    """(T,) the anchor of best IoU with each truth when both stand at one centre."""
    _, _, n, m, _ = head.wh.shape
    shapes = boxes.new_tensor(region.anchors) / boxes.new_tensor([m, n])  # (A, 2) fractions
    candidates = shapes.expand(len(boxes), -1, -1)  # (T, A, 2)
    if not region.bias_match:
        candidates = head.wh.detach()[picture, :, row, column].exp() * candidates
    return _shape_iou(boxes[:, None, 2:], candidates).argmax(dim=1)


def _shape_iou(a: Tensor, b: Tensor) -> Tensor:
    """IoU of sizes (..., 2) at one centre."""
    shared = torch.minimum(a, b).prod(dim=-1)
    return shared / (a.prod(dim=-1) + b.prod(dim=-1) - shared)


def _box_term(head: Head, assigned: Assignment, region: RegionOptions) -> Tensor:
    """½ · coord_scale · (2 - w·h) · squared error of σ(tx), σ(ty), tw, th."""
    _, _, n, m, _ = head.wh.shape
    _, anchor, row, column = assigned.where
    cells = assigned.boxes.new_tensor([m, n])
    xy = assigned.boxes[:, :2] * cells - torch.stack((column, row), dim=-1)  # (T, 2) in the cell
    wh = (assigned.boxes[:, 2:] * cells / assigned.boxes.new_tensor(region.anchors)[anchor]).log()  # (T, 2)
    weight = region.coord_scale * (2 - assigned.boxes[:, 2:].prod(dim=-1))  # (T,)
    error = (head.xy[assigned.where] - xy).square() + (head.wh[assigned.where] - wh).square()  # (T, 2)
    return 0.5 * (weight[:, None] * error).sum()


def _objectness_term(
    head: Head, boxes: Tensor, truths: Sequence[Truth], assigned: Assignment, region: RegionOptions
) -> Tensor:
    """Every anchor to 0, but not where it meets a truth by more than thresh; a truth's anchor to its IoU, or to 1."""
    overlap = torch.stack([_best_overlap(b, t) for b, t in zip(boxes, truths, strict=True)])  # (B, A, N, M)
    weight = region.noobject_scale * (overlap <= region.thresh).float()
    target = torch.zeros_like(head.objectness)
    weight[assigned.where] = region.object_scale
    target[assigned.where] = _own_iou(boxes, assigned) if region.rescore else 1.0
    return 0.5 * (weight * (head.objectness - target).square()).sum()


def _best_overlap(boxes: Tensor, truth: Truth) -> Tensor:
    """(A, N, M) the best IoU of each predicted box (A, N, M, 4) with any truth of its picture."""
    if not len(truth["boxes"]):
        return boxes.new_zeros(boxes.shape[:-1])
    iou = pairwise_iou(cxcywh_to_xyxy(boxes.flatten(0, 2)), cxcywh_to_xyxy(truth["boxes"].float()))
    return iou.amax(dim=-1).view(boxes.shape[:-1])


def _own_iou(boxes: Tensor, assigned: Assignment) -> Tensor:
    """(T,) IoU of each truth with the box that its anchor predicts."""
    predicted, truth = cxcywh_to_xyxy(boxes[assigned.where]), cxcywh_to_xyxy(assigned.boxes)
    return pairwise_iou(predicted[:, None], truth[:, None])[:, 0, 0]


def _prior_term(head: Head, assigned: Assignment) -> Tensor:
    """½ · .01 · squared distance of every anchor without a truth from its prior, in the middle of its cell."""
    error = ((head.xy - 0.5).square() + head.wh.square()).sum(dim=-1)  # (B, A, N, M)
    free = torch.ones_like(error)
    free[assigned.where] = 0
    return 0.5 * PRIOR_SCALE * (error * free).sum()
