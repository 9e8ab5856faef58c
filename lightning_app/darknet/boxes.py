"""Functions of boxes, named by what they turn into what. ``cxcywh`` are fractions of the picture, ``xyxy`` too."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor


def cxcywh_to_xyxy(boxes: Tensor) -> Tensor:
    """Centre and size (..., 4) -> left, top, right, bottom (..., 4)."""
    centre, half = boxes[..., :2], boxes[..., 2:] / 2
    return torch.cat((centre - half, centre + half), dim=-1)


def xyxy_fractions_to_voc(boxes: Tensor, height: int, width: int) -> Tensor:
    """Fractions (D, 4) -> VOC's pixels (D, 4): 1-based, inclusive, inside the picture.

    Source: Darknet's ``examples/detector.c``, ``print_detector_detections``.
    """
    sides = boxes.new_tensor([width, height, width, height])
    return torch.minimum((boxes * sides + 1).clamp(min=1), sides)


def pairwise_iou(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of xyxy boxes: (..., P, 4), (..., Q, 4) -> (..., P, Q); 0 for two empty boxes."""
    top_left = torch.maximum(a[..., :, None, :2], b[..., None, :, :2])  # (..., P, Q, 2)
    bottom_right = torch.minimum(a[..., :, None, 2:], b[..., None, :, 2:])  # (..., P, Q, 2)
    shared = (bottom_right - top_left).clamp(min=0).prod(dim=-1)  # (..., P, Q)
    union = _area(a)[..., :, None] + _area(b)[..., None, :] - shared
    return shared / union.clamp(min=torch.finfo(union.dtype).tiny)


def _area(boxes: Tensor) -> Tensor:
    return (boxes[..., 2:] - boxes[..., :2]).clamp(min=0).prod(dim=-1)


def non_maximum_suppression(boxes: Tensor, scores: Tensor, labels: Tensor, threshold: float) -> Tensor:
    """Greedy, per class: a box that overlaps a better one of its class by more than ``threshold`` goes.

    Source: Darknet's ``src/box.c``, ``do_nms_sort``.

    Args:
        boxes: (D, 4) xyxy.
        scores: (D,).
        labels: (D,) class numbers.
        threshold: IoU in [0, 1].

    Returns:
        indices of the boxes that stay, by falling score.
    """
    order = torch.argsort(scores, descending=True, stable=True)
    boxes, labels = boxes[order], labels[order]
    kept = np.zeros(len(order), dtype=bool)
    for label in torch.unique(labels):
        members = torch.nonzero(labels == label).flatten()
        rivals = (pairwise_iou(boxes[members], boxes[members]) > threshold).cpu().numpy()
        kept[members.cpu().numpy()[_greedy(rivals)]] = True
    return order[torch.from_numpy(kept).to(order.device)]


def _greedy(rivals: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Which of (P, P) rivals, best first, stay."""
    alive = np.ones(len(rivals), dtype=bool)
    for i in range(len(rivals)):
        if alive[i]:
            alive[i + 1 :] &= ~rivals[i, i + 1 :]
    return alive
