"""The region head of YOLOv2: from its raw output to boxes.

Source: Darknet's ``src/region_layer.c`` (``get_region_box``, ``get_region_boxes``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypedDict

import torch
from torch import Tensor

from lightning_app.boxes import cxcywh_to_xyxy
from lightning_app.darknet.region import RegionOptions
from lightning_app.darknet.suppress import non_maximum_suppression


class Head(NamedTuple):
    """A raw head taken apart: A anchors, K classes, N rows, M columns; every part in float32.

    Attributes:
        xy: (B, A, N, M, 2) σ(tx), σ(ty): the centre inside its cell, in cells.
        wh: (B, A, N, M, 2) tw, th: logarithms of the size in anchors.
        objectness: (B, A, N, M) σ(to).
        logits: (B, A, N, M, K) of the classes.
    """

    xy: Tensor
    wh: Tensor
    objectness: Tensor
    logits: Tensor


class Detections(TypedDict):
    """The boxes of one picture, by falling score.

    ``boxes`` (D, 4) xyxy fractions of the network's input picture, ``scores`` (D,), ``labels`` (D,) class numbers.
    """

    boxes: Tensor
    scores: Tensor
    labels: Tensor


def take_apart(raw: Tensor, region: RegionOptions) -> Head:
    """Raw head (B, A·(5 + K), N, M) -> its parts."""
    b, _, n, m = raw.shape
    raw = raw.float().view(b, len(region.anchors), 5 + region.classes, n, m).permute(0, 1, 3, 4, 2)  # (B, A, N, M, 5+K)
    return Head(raw[..., :2].sigmoid(), raw[..., 2:4], raw[..., 4].sigmoid(), raw[..., 5:])


def decode_boxes(head: Head, region: RegionOptions) -> Tensor:
    """Boxes (B, A, N, M, 4), cxcywh fractions: x = (i + σ(tx)) / M, w = e^tw · a_w / M, and so down the rows."""
    _, _, n, m, _ = head.xy.shape
    cells = head.xy.new_tensor([m, n])  # (2,)
    rows, columns = torch.meshgrid(
        torch.arange(n, device=cells.device), torch.arange(m, device=cells.device), indexing="ij"
    )
    corner = torch.stack((columns, rows), dim=-1)  # (N, M, 2)
    anchors = head.wh.new_tensor(region.anchors)[:, None, None]  # (A, 1, 1, 2)
    return torch.cat(((corner + head.xy) / cells, head.wh.exp() * anchors / cells), dim=-1)


def detect(
    raws: Sequence[Tensor], heads: Sequence[RegionOptions], score_threshold: float, nms_threshold: float
) -> list[Detections]:
    """The raw outputs of all heads, each (B, A·(5 + K), N, M) -> the boxes of each picture.

    A score is objectness · class probability; one anchor can give a box for several classes.

    Args:
        raws: the outputs of the network.
        heads: the options of each.
        score_threshold: a score must be above it.
        nms_threshold: IoU above which the worse of two boxes of one class goes.
    """
    candidates = [_candidates(raw, options) for raw, options in zip(raws, heads, strict=True)]
    boxes = torch.cat([boxes for boxes, _ in candidates], dim=1)  # (B, P, 4)
    scores = torch.cat([scores for _, scores in candidates], dim=1)  # (B, P, K)
    return [_one_picture(b, s, score_threshold, nms_threshold) for b, s in zip(boxes, scores, strict=True)]


def _candidates(raw: Tensor, region: RegionOptions) -> tuple[Tensor, Tensor]:
    """Raw head (B, A·(5 + K), N, M) -> boxes (B, A·N·M, 4) xyxy and scores (B, A·N·M, K)."""
    head = take_apart(raw, region)
    boxes = cxcywh_to_xyxy(decode_boxes(head, region)).flatten(1, 3)  # (B, A·N·M, 4)
    scores = (head.objectness[..., None] * head.logits.softmax(dim=-1)).flatten(1, 3)  # (B, A·N·M, K)
    return boxes, scores


def _one_picture(boxes: Tensor, scores: Tensor, score_threshold: float, nms_threshold: float) -> Detections:
    """Boxes (P, 4) and scores (P, K) of one picture."""
    place, label = torch.nonzero(scores > score_threshold, as_tuple=True)  # (D,), (D,)
    score = scores[place, label]
    kept = non_maximum_suppression(boxes[place], score, label, nms_threshold)
    return {"boxes": boxes[place[kept]], "scores": score[kept], "labels": label[kept]}
