"""Non-maximum suppression."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]
FAR = np.float32(1e6)
"""An edge beyond this many inputs of the network is taken to lie there: e^tw of a large tw is infinite."""


def non_maximum_suppression(
    boxes: Tensor, scores: Tensor, labels: Tensor, threshold: float, distance: float | None = None
) -> Tensor:
    """Greedy, per class: a box that overlaps a better one of its class by more than ``threshold`` goes.

    Source: Darknet's ``src/box.c``, ``do_nms_sort``. By NumPy: on a few boxes a class, torch would be starting its
    operations most of the time, and a GPU would be asked for every class.

    Args:
        boxes: (D, 4) xyxy.
        scores: (D,).
        labels: (D,) class numbers.
        threshold: IoU in [0, 1].
        distance: β of the overlap IoU - (d/c)^β, of the squared distance d of the centres and c of the corners of the
            hull (``box_diounms``); None for the IoU.

    Returns:
        indices of the boxes that stay, by falling score.
    """
    order = torch.argsort(scores, descending=True, stable=True)
    edges, classes = boxes[order].float().cpu().numpy(), labels[order].cpu().numpy()
    kept = np.zeros(len(order), dtype=bool)
    for label in np.unique(classes):
        members = np.flatnonzero(classes == label)
        overlaps = _overlaps(edges[members])
        if distance is not None:
            overlaps -= _distances(edges[members]) ** np.float32(distance)
        kept[members[_greedy(overlaps > np.float32(threshold))]] = True
    return order[torch.from_numpy(kept).to(order.device)]


def _overlaps(boxes: Floats) -> Floats:
    """(P, P) IoU of boxes (P, 4); 0 for two empty ones."""
    boxes = boxes.clip(-FAR, FAR)  # else infinite areas have no IoU
    low, high = boxes[:, :2], boxes[:, 2:]
    sides = np.minimum(high[:, None], high) - np.maximum(low[:, None], low)  # (P, P, 2)
    np.maximum(sides, 0, out=sides)
    shared = sides[..., 0] * sides[..., 1]  # (P, P)
    area = np.maximum(high - low, 0).prod(axis=1)  # (P,)
    union = area[:, None] + area - shared
    return shared / np.maximum(union, np.finfo(np.float32).tiny)  # type: ignore[no-any-return]


def _distances(boxes: Floats) -> Floats:
    """(P, P) squared distance of the centres of boxes (P, 4) over that of the hull's corners; 0 at one point."""
    boxes = boxes.clip(-FAR, FAR)
    low, high = boxes[:, :2], boxes[:, 2:]
    centres = (low + high) / 2
    apart = np.square(centres[:, None] - centres).sum(axis=-1)  # (P, P)
    hull = np.maximum(high[:, None], high) - np.minimum(low[:, None], low)  # (P, P, 2)
    return apart / np.maximum(np.square(hull).sum(axis=-1), np.finfo(np.float32).tiny)  # type: ignore[no-any-return]


def _greedy(rivals: Bools) -> Bools:
    """Which of (P, P) rivals, best first, stay."""
    rivals = np.triu(rivals, k=1)  # the worse of each two
    alive = np.ones(len(rivals), dtype=bool)
    for i in np.flatnonzero(rivals.any(axis=1)):
        if alive[i]:
            alive &= ~rivals[i]
    return alive
