"""Which truth trains which anchor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from lightning_app.boxes import cxcywh_to_xyxy, pairwise_iou
from lightning_app.graph import Truth

Where = tuple[Tensor, Tensor, Tensor, Tensor]
"""(T,) numbers of picture, anchor, row and column."""


class Cells(NamedTuple):
    """The T truths of a batch and the cells that their centres are in.

    ``picture``, ``row`` and ``column`` (T,), ``boxes`` (T, 4) cxcywh fractions, ``labels`` (T,).
    """

    picture: Tensor
    row: Tensor
    column: Tensor
    boxes: Tensor
    labels: Tensor


class Assignment(NamedTuple):
    """Pairs of a truth and an anchor that it trains, T of them, in the order of the truths.

    ``boxes`` (T, 4) cxcywh fractions, ``labels`` (T,), ``which`` (T,) the number of the pair's anchor among the
    distinct ones.
    """

    where: Where
    boxes: Tensor
    labels: Tensor
    which: Tensor


def in_cells(truths: Sequence[Truth], grid: tuple[int, int], most: int, device: torch.device) -> Cells:
    """The first ``most`` truths of each picture, in the cells of a grid of N rows and M columns.

    One without a width or a height trains no anchor: the logarithm of its size is infinite.
    """
    n, m = grid
    first = [(t["boxes"][:most].float(), t["labels"][:most]) for t in truths]
    kept = [(boxes[sized], labels[sized]) for boxes, labels in first for sized in [(boxes[:, 2:] > 0).all(dim=1)]]
    picture = torch.cat([torch.full((len(boxes),), i, device=device) for i, (boxes, _) in enumerate(kept)])
    boxes = torch.cat([boxes for boxes, _ in kept])
    column = (boxes[:, 0] * m).long().clamp(0, m - 1)
    row = (boxes[:, 1] * n).long().clamp(0, n - 1)
    return Cells(picture, row, column, boxes, torch.cat([labels for _, labels in kept]))


def pair(cells: Cells, truth: Tensor, anchor: Tensor) -> Assignment:
    """Pairs of truths and anchors, T' of each."""
    where = (cells.picture[truth], anchor, cells.row[truth], cells.column[truth])
    return Assignment(where, cells.boxes[truth], cells.labels[truth], distinct(where))


def distinct(where: Where) -> Tensor:
    """(T,) the number of each anchor among the distinct ones."""
    which: Tensor = torch.unique(torch.stack(where, dim=1), dim=0, return_inverse=True)[1]
    return which


def latest(which: Tensor) -> Tensor:
    """(T,) whether a pair is the last of its number, which is less than T."""
    order = torch.arange(len(which), device=which.device)
    return torch.zeros_like(order).scatter_reduce(0, which, order, "amax")[which] == order


def keep(assigned: Assignment, chosen: Tensor) -> Assignment:
    """The pairs where ``chosen`` (T,) is true."""
    picture, anchor, row, column = assigned.where
    where = (picture[chosen], anchor[chosen], row[chosen], column[chosen])
    return Assignment(where, assigned.boxes[chosen], assigned.labels[chosen], assigned.which[chosen])


def class_targets(assigned: Assignment, classes: int) -> Tensor:
    """(T, K) 1 where any truth of the pair's anchor has the class, else 0."""
    targets = assigned.boxes.new_zeros(len(assigned.which), classes)
    targets[assigned.which, assigned.labels] = 1
    return targets[assigned.which]


def shape_iou(a: Tensor, b: Tensor) -> Tensor:
    """IoU of sizes (..., 2) at one centre."""
    shared = torch.minimum(a, b).prod(dim=-1)
    return shared / (a.prod(dim=-1) + b.prod(dim=-1) - shared)


def box_targets(assigned: Assignment, anchors: Tensor, grid: Sequence[int]) -> tuple[Tensor, Tensor]:
    """What boxes should be: (T, 2) the centre in its cell, and (T, 2) the logarithm of the size in anchors.

    Args:
        assigned: T pairs.
        anchors: (A, 2) in cells.
        grid: N rows and M columns.
    """
    n, m = grid
    _, anchor, row, column = assigned.where
    cells = assigned.boxes.new_tensor([m, n])
    xy = assigned.boxes[:, :2] * cells - torch.stack((column, row), dim=-1)  # (T, 2)
    return xy, (assigned.boxes[:, 2:] * cells / anchors[anchor]).log()


def best_overlap(boxes: Tensor, truths: Sequence[Truth], most: int) -> Tensor:
    """(B, A, N, M) the best IoU of each predicted box (B, A, N, M, 4) with any of its picture's first truths."""
    return torch.stack([_best_overlap(b, t["boxes"][:most]) for b, t in zip(boxes, truths, strict=True)])


def _best_overlap(boxes: Tensor, truth: Tensor) -> Tensor:
    if not len(truth):
        return boxes.new_zeros(boxes.shape[:-1])
    iou = pairwise_iou(cxcywh_to_xyxy(boxes.flatten(0, 2)), cxcywh_to_xyxy(truth.float()))
    return iou.amax(dim=-1).view(boxes.shape[:-1])
