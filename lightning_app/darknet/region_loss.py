"""YOLOv2's region loss, whose gradient is what Darknet writes into ``delta``.

Darknet states gradients, not a loss: ``delta = scale · (target - prediction)`` for squared terms is the gradient of
½ · scale · (target - prediction)², and for the softmax that of scale · cross-entropy. Source: ``src/region_layer.c``
(``forward_region_layer``, ``delta_region_box``, ``delta_region_class``), October 2017.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lightning_app.darknet.assign import (
    Assignment,
    Cells,
    best_overlap,
    box_targets,
    in_cells,
    keep,
    latest,
    pair,
    shape_iou,
)
from lightning_app.darknet.box_overlap import overlap
from lightning_app.darknet.class_loss import class_term
from lightning_app.darknet.head import Head, decode_boxes, take_apart
from lightning_app.darknet.joint import class_only_terms
from lightning_app.darknet.region import RegionOptions
from lightning_app.graph import Truth

MAX_TRUTHS = 30
"""Boxes per picture that Darknet keeps."""
WARM_UP = 12_800
"""Pictures during which every anchor is also pulled to its prior."""
PRIOR_SCALE = 0.01
"""Weight of that pull."""


def region_loss(raw: Tensor, truths: Sequence[Truth], region: RegionOptions, seen: int) -> dict[str, Tensor]:
    """The terms of the loss, each summed over the picture and averaged over the batch.

    Args:
        raw: (B, A·(5 + K), N, M) the head's raw output.
        truths: the objects of each picture; those past the 30th are left out, as in Darknet. A picture with
            ``class_only`` trains these labels alone (see `joint`), for which the head must have a tree.
        region: options of the head.
        seen: pictures that the network was trained on, these included.

    Returns:
        ``box``, ``objectness``, ``class`` and ``prior``; their sum is the loss.
    """
    terms = dict.fromkeys(("box", "objectness", "class", "prior"), raw.new_zeros((), dtype=torch.float32))
    labelled = [i for i, truth in enumerate(truths) if len(truth["class_only"])]
    drawn = [i for i in range(len(truths)) if i not in labelled]
    if drawn:
        head = take_apart(raw[drawn] if labelled else raw, region)
        terms |= _drawn_terms(head, [truths[i] for i in drawn], region, seen)
    if labelled:
        head, labels = take_apart(raw[labelled], region), [truths[i]["class_only"] for i in labelled]
        for name, term in class_only_terms(head, labels, region).items():
            terms[name] = terms[name] + term
    return {name: term / len(raw) for name, term in terms.items()}


def _drawn_terms(head: Head, truths: Sequence[Truth], region: RegionOptions, seen: int) -> dict[str, Tensor]:
    """The terms of pictures whose objects have boxes, summed."""
    boxes = decode_boxes(head, region).detach()  # (B, A, N, M, 4)
    assigned = assign(head, truths, region)
    last = keep(assigned, latest(assigned.which))
    return {
        "box": _box_term(head, last, region),
        "objectness": _objectness_term(head, boxes, truths, last, region),
        "class": region.class_scale * class_term(head, assigned, region),
        "prior": _prior_term(head, last) if seen < WARM_UP else head.wh.new_zeros(()),
    }


def assign(head: Head, truths: Sequence[Truth], region: RegionOptions) -> Assignment:
    """Each truth to one anchor of its centre's cell."""
    _, _, n, m, _ = head.wh.shape
    cells = in_cells(truths, (n, m), MAX_TRUTHS, head.wh.device)
    return pair(cells, torch.arange(len(cells.boxes), device=head.wh.device), _best_anchor(head, cells, region))


def _best_anchor(head: Head, cells: Cells, region: RegionOptions) -> Tensor:
    """(T,) the anchor of best IoU with each truth when both stand at one centre."""
    _, _, n, m, _ = head.wh.shape
    shapes = cells.boxes.new_tensor(region.anchors) / cells.boxes.new_tensor([m, n])  # (A, 2) fractions
    candidates = shapes.expand(len(cells.boxes), -1, -1)  # (T, A, 2)
    if not region.bias_match:
        candidates = head.wh.detach()[cells.picture, :, cells.row, cells.column].exp() * candidates
    return shape_iou(cells.boxes[:, None, 2:], candidates).argmax(dim=1)


def _box_term(head: Head, assigned: Assignment, region: RegionOptions) -> Tensor:
    """½ · coord_scale · (2 - w·h) · squared error of σ(tx), σ(ty), tw, th."""
    _, _, n, m, _ = head.wh.shape
    xy, wh = box_targets(assigned, assigned.boxes.new_tensor(region.anchors), (n, m))  # (T, 2), (T, 2)
    weight = region.coord_scale * (2 - assigned.boxes[:, 2:].prod(dim=-1))  # (T,)
    error = (head.xy[assigned.where].sigmoid() - xy).square() + (head.wh[assigned.where] - wh).square()  # (T, 2)
    return 0.5 * (weight[:, None] * error).sum()


def _objectness_term(
    head: Head, boxes: Tensor, truths: Sequence[Truth], assigned: Assignment, region: RegionOptions
) -> Tensor:
    """Every anchor to 0, but not where it meets a truth by more than thresh; a truth's anchor to its IoU, or to 1."""
    weight = region.noobject_scale * (best_overlap(boxes, truths, MAX_TRUTHS) <= region.thresh).float()
    target = torch.zeros_like(head.objectness)
    weight[assigned.where] = region.object_scale
    target[assigned.where] = overlap(boxes[assigned.where], assigned.boxes) if region.rescore else 1.0
    return 0.5 * (weight * (head.objectness.sigmoid() - target).square()).sum()


def _prior_term(head: Head, assigned: Assignment) -> Tensor:
    """½ · .01 · squared distance of every anchor without a truth from its prior, in the middle of its cell."""
    error = ((head.xy.sigmoid() - 0.5).square() + head.wh.square()).sum(dim=-1)  # (B, A, N, M)
    free = torch.ones_like(error)
    free[assigned.where] = 0
    return 0.5 * PRIOR_SCALE * (error * free).sum()
