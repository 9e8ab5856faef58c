"""The loss of a ``[Gaussian_yolo]`` head, whose gradient is what AlexeyAB's Darknet writes into ``delta``.

Each of x, y, w and h is a normal distribution of mean μ and deviation u about its target t; the loss is half the
negative logarithm of its density, with 0.3 added to the deviation under the logarithm. Source:
``src/gaussian_yolo_layer.c`` (``delta_gaussian_yolo_box``, ``forward_gaussian_yolo_layer``); arXiv 1904.04620. As
there, the gradient goes to the raw output past σ. What `yolo_loss` says of the forms of IoU, ``ignore_thresh`` and
``cls_normalizer`` holds here too; with ``yolo_point`` they move the centre and the size each by itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from lightning_app.darknet.assign import Assignment, box_targets, class_targets
from lightning_app.darknet.class_loss import logistic_term
from lightning_app.darknet.head import Head, decode_boxes, take_apart
from lightning_app.darknet.yolo import GaussianOptions
from lightning_app.darknet.yolo_loss import assign, iou_term, objectness_term
from lightning_app.graph import Truth

WIDEN = 0.3
"""Added to a deviation: ``sigma_const``."""
LEAST = 1e-9
"""Added to a density where a gradient is divided by it, so that a mean far away stops learning: ``epsi``."""


def gaussian_loss(raw: Tensor, truths: Sequence[Truth], options: GaussianOptions) -> dict[str, Tensor]:
    """The terms of the loss, each summed over the picture and averaged over the batch.

    Args:
        raw: (B, A·(9 + K), N, M) the head's raw output.
        truths: the objects of each picture; those past the ``max_truths``-th are left out, as in Darknet.
        options: of the head.

    Returns:
        ``box``, ``uncertainty``, ``objectness`` and ``class``; their sum is the loss.
    """
    head = take_apart(raw, options)
    boxes = decode_boxes(head, options).detach()  # (B, A, N, M, 4)
    assigned = assign(head, truths, options)
    share = 1 / class_targets(assigned, options.classes).sum(dim=1)  # (T,): truths of one anchor take part alike
    box, uncertainty = _coordinate_terms(head, assigned, share, options)
    if options.iou_loss != "mse":
        box = iou_term(head, boxes, assigned, share, options)
    terms = {
        "box": options.iou_normalizer * box,
        "uncertainty": options.uc_normalizer * uncertainty,
        "objectness": options.obj_normalizer * objectness_term(head, boxes, truths, assigned, options),
        "class": options.cls_normalizer * logistic_term(head, assigned),
    }
    return {name: term / len(raw) for name, term in terms.items()}


def _coordinate_terms(
    head: Head, assigned: Assignment, share: Tensor, options: GaussianOptions
) -> tuple[Tensor, Tensor]:
    """What the means learn by, and what the deviations learn by: ½·(2 - w·h)·((μ - t)² / 2u² + ln(u + 0.3))."""
    assert head.spread is not None
    targets = _targets(head, assigned, options)  # (T, 4)
    stretched = options.scale_x_y * head.xy[assigned.where].sigmoid() - (options.scale_x_y - 1) / 2
    xy = _past(stretched, head.xy[assigned.where])
    mean = torch.cat((xy, head.wh[assigned.where]), dim=1)  # (T, 4)
    deviation = _past(head.spread[assigned.where].sigmoid(), head.spread[assigned.where])  # (T, 4)
    with torch.no_grad():
        density = (-0.5 * ((mean - targets) / deviation).square()).exp() / (
            math.sqrt(2 * math.pi) * (deviation + WIDEN)
        )
        near = density / (density + LEAST)
        weight = 0.5 * near * (share * (2 - assigned.boxes[:, 2:].prod(dim=-1)))[:, None]  # (T, 4)
    means = weight * (mean - targets).square() / (2 * deviation.detach().square())
    spread = (mean.detach() - targets).square() / (2 * deviation.square()) + (deviation + WIDEN).log()
    return means.sum(), (weight * spread).sum()


def _targets(head: Head, assigned: Assignment, options: GaussianOptions) -> Tensor:
    """(T, 4) what μ should be: the place of ``yolo_point`` in its cell, and the logarithm of the size in anchors."""
    grid = head.wh.shape[2:4]
    xy, wh = box_targets(assigned, assigned.boxes.new_tensor(options.anchors), grid)
    half = assigned.boxes[:, 2:] / 2 * assigned.boxes.new_tensor([grid[1], grid[0]])  # (T, 2) in cells
    moved = {"center": xy, "left_top": xy - half, "right_bottom": xy + half}[options.point]
    return torch.cat((moved, wh), dim=1)


def _past(value: Tensor, raw: Tensor) -> Tensor:
    """The value, with the gradient of the raw output itself."""
    return value.detach() + raw - raw.detach()
