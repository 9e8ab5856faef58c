"""The loss of a ``[yolo]`` head, whose gradient is what Darknet writes into ``delta``.

Objectness and classes are logistic, each by itself: ``delta = target - σ(t)`` is minus the gradient of the binary
cross-entropy. Source: ``src/yolo_layer.c`` (``forward_yolo_layer``, ``delta_yolo_box``, ``delta_yolo_class``) of
pjreddie/darknet, 2018, and for ``iou_thresh``, ``scale_x_y``, ``iou_loss`` and the normalizers of AlexeyAB/darknet.
With ``new_coords`` the head is given what σ gave, and ``delta`` is minus the gradient of half the squared error.

The forms of IoU are differentiated by autograd where AlexeyAB's ``dx_box_iou`` is written by hand. His derivative has
w and h twice; in ``diou`` and ``ciou`` the hull's share in x and y with the other sign; v without its 1/(w² + h²); and
boxes that are apart as if they shared something. Beside that, ``ignore_thresh`` is pjreddie's here, by IoU alone, and
``cls_normalizer`` weighs the classes always, not only beside ``counters_per_class``.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from lightning_app.darknet.assign import (
    Assignment,
    Cells,
    Where,
    best_overlap,
    box_targets,
    class_targets,
    in_cells,
    keep,
    latest,
    pair,
    shape_iou,
)
from lightning_app.darknet.box_overlap import overlap
from lightning_app.darknet.class_loss import logistic_term
from lightning_app.darknet.head import Head, decode_boxes, take_apart
from lightning_app.darknet.yolo import GaussianOptions, Point, YoloOptions
from lightning_app.graph import Truth


def yolo_loss(raw: Tensor, truths: Sequence[Truth], yolo: YoloOptions) -> dict[str, Tensor]:
    """The terms of the loss, each summed over the picture and averaged over the batch.

    Args:
        raw: (B, A·(5 + K), N, M) the head's raw output.
        truths: the objects of each picture; those past the ``max_truths``-th are left out, as in Darknet.
        yolo: options of the head.

    Returns:
        ``box``, ``objectness`` and ``class``; their sum is the loss.
    """
    head = take_apart(raw, yolo)
    boxes = decode_boxes(head, yolo).detach()  # (B, A, N, M, 4)
    assigned = assign(head, truths, yolo)
    weight = _box_weights(assigned, yolo)
    terms = {
        "box": yolo.iou_normalizer * _box_term(head, boxes, assigned, weight, yolo),
        "objectness": yolo.obj_normalizer * objectness_term(head, boxes, truths, assigned, yolo),
        "class": yolo.cls_normalizer * _class_term(head, assigned, yolo),
    }
    return {name: term / len(raw) for name, term in terms.items()}


def assign(head: Head, truths: Sequence[Truth], yolo: YoloOptions) -> Assignment:
    """Each truth to the anchors of its centre's cell that are this head's and of all priors the best in shape.

    With ``iou_thresh`` below 1 also to those of a shape IoU above it.
    """
    _, _, n, m, _ = head.wh.shape
    cells = in_cells(truths, (n, m), yolo.max_truths, head.wh.device)
    if isinstance(yolo, GaussianOptions) and yolo.point != "center":
        cells = _at_corner(cells, yolo.point, (n, m))
    sizes = cells.boxes[:, None, 2:] * cells.boxes.new_tensor([m, n])  # (T, 1, 2) in cells
    iou = shape_iou(sizes, cells.boxes.new_tensor(yolo.priors))  # (T, all priors)
    chosen = F.one_hot(iou.argmax(dim=1), iou.shape[1]).bool()
    if yolo.iou_thresh < 1:
        chosen = chosen | (iou > yolo.iou_thresh)
    truth, anchor = torch.nonzero(chosen[:, list(yolo.mask)], as_tuple=True)
    return pair(cells, truth, anchor)


def _at_corner(cells: Cells, point: Point, grid: tuple[int, int]) -> Cells:
    """The truths in the cells of their corners."""
    n, m = grid
    half = cells.boxes[:, 2:] / 2
    place = cells.boxes[:, :2] + (-half if point == "left_top" else half)  # (T, 2)
    return cells._replace(column=(place[:, 0] * m).long().clamp(0, m - 1), row=(place[:, 1] * n).long().clamp(0, n - 1))


def _box_weights(assigned: Assignment, yolo: YoloOptions) -> Tensor:
    """(T,) how much of its anchor's box each truth trains.

    The later of two takes it, as in pjreddie's; with ``iou_thresh`` below 1 each takes part, over the number of
    distinct classes, as in AlexeyAB's (``averages_yolo_deltas``).
    """
    if yolo.iou_thresh >= 1:
        return latest(assigned.which).float()
    return 1 / class_targets(assigned, yolo.classes).sum(dim=1)


def _box_term(head: Head, boxes: Tensor, assigned: Assignment, weight: Tensor, yolo: YoloOptions) -> Tensor:
    if yolo.iou_loss == "mse":
        return (weight * (2 - assigned.boxes[:, 2:].prod(dim=-1)) * _mse(head, assigned, yolo)).sum()
    return iou_term(head, boxes, assigned, weight, yolo)


def iou_term(head: Head, boxes: Tensor, assigned: Assignment, weight: Tensor, yolo: YoloOptions) -> Tensor:
    """1 less the form of IoU that ``iou_loss`` names, of T pairs, each by its weight (T,)."""
    assert yolo.iou_loss != "mse"
    predicted = _with_darknets_steps(head, boxes, assigned.where, yolo)
    return (weight * (1 - overlap(predicted, assigned.boxes, yolo.iou_loss))).sum()


def _mse(head: Head, assigned: Assignment, yolo: YoloOptions) -> Tensor:
    """(T,) whose gradient is the stretched σ(tx), and tw, less what they should be, and likewise for ty and th.

    Darknet leaves out the derivative of σ, which makes a binary cross-entropy of the centre's squared error.
    """
    xy, wh = box_targets(assigned, assigned.boxes.new_tensor(yolo.anchors), head.wh.shape[2:4])  # (T, 2), (T, 2)
    s = yolo.scale_x_y
    if yolo.new_coords:
        roots = (wh / 2).exp() / 2  # (T, 2) what tw should be: (2·tw)² anchors
        stretched = s * head.xy[assigned.where] - (s - 1) / 2
        error = (stretched - xy).square() / s + (head.wh[assigned.where] - roots).square()
        return 0.5 * error.sum(dim=1)
    inside = (xy + (s - 1) / 2) / s  # (T, 2) what σ(tx) should be
    centre = s * F.binary_cross_entropy_with_logits(head.xy[assigned.where], inside, reduction="none")
    return (centre + 0.5 * (head.wh[assigned.where] - wh).square()).sum(dim=1)


def _with_darknets_steps(head: Head, boxes: Tensor, where: Where, yolo: YoloOptions) -> Tensor:
    """The boxes (T, 4) of anchors, their gradient going to tx, ty as it is and to tw, th times e^tw, e^th.

    With ``new_coords`` it goes to tw, th as it is too.

    Darknet leaves out the rest of the chain, σ'(tx)·s/M and a_w/M, and the weights in its .cfg files are made for
    that: with it their boxes would hardly train (on yolo-fastest-xl-voc a hundredth in x and y).
    """
    sizes = head.wh[where] if yolo.new_coords else head.wh[where].exp()
    steps = torch.cat((head.xy[where], sizes), dim=1)  # (T, 4)
    return boxes[where] + (steps - steps.detach())


def objectness_term(
    head: Head, boxes: Tensor, truths: Sequence[Truth], assigned: Assignment, yolo: YoloOptions
) -> Tensor:
    """Every anchor to 0, but not where it meets a truth by more than ignore_thresh; a truth's anchors to 1."""
    weight = (best_overlap(boxes, truths, yolo.max_truths) <= yolo.ignore_thresh).float()
    target = torch.zeros_like(weight)
    weight[assigned.where] = target[assigned.where] = 1
    if yolo.new_coords:
        return 0.5 * (weight * (head.objectness - target).square()).sum()
    return F.binary_cross_entropy_with_logits(head.objectness, target, weight, reduction="sum")


def _class_term(head: Head, assigned: Assignment, yolo: YoloOptions) -> Tensor:
    """Logistic of every class; with ``new_coords``, where σ is the layer's before, half the squared errors."""
    if not yolo.new_coords:
        return logistic_term(head, assigned)
    once = latest(assigned.which)
    targets = class_targets(assigned, yolo.classes)[once]  # (U, K)
    return 0.5 * (head.classes[keep(assigned, once).where] - targets).square().sum()
