"""Non-maximum suppression."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lightning_app.boxes import pairwise_iou


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
