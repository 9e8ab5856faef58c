"""The heads of YOLOv2, YOLO9000 and YOLOv3: from their raw outputs to boxes.

Source: Darknet's ``src/region_layer.c`` (``get_region_box``, ``get_region_boxes``), ``src/yolo_layer.c``
(``get_yolo_box``, ``get_yolo_detections``) and ``src/gaussian_yolo_layer.c`` (``get_gaussian_yolo_detections``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from lightning_app.boxes import cxcywh_to_xyxy
from lightning_app.darknet.build import HeadOptions
from lightning_app.darknet.region import RegionOptions
from lightning_app.darknet.suppress import non_maximum_suppression
from lightning_app.darknet.tree import WordTree
from lightning_app.darknet.yolo import GaussianOptions, YoloOptions
from lightning_app.errors import FeatureError
from lightning_app.graph import Detections

TREE_THRESHOLD = 0.5
"""How sure a head with a tree must be to go down to a child: Darknet's ``-hier``, unless it is given."""


class Head(NamedTuple):
    """A raw head taken apart: A anchors, K class outputs, N rows, M columns; every part raw and in float32.

    With ``new_coords`` the parts are no logits: tx, ty, objectness and classes are what σ gave in the layer before.

    Attributes:
        xy: (B, A, N, M, 2) tx, ty: σ of them is the centre inside its cell, in cells.
        wh: (B, A, N, M, 2) tw, th: logarithms of the size in anchors; with ``new_coords`` half its root.
        objectness: (B, A, N, M) logits.
        classes: (B, A, N, M, K) logits.
        spread: (B, A, N, M, 4) logits of the uncertainties of tx, ty, tw, th in a ``[Gaussian_yolo]``.
    """

    xy: Tensor
    wh: Tensor
    objectness: Tensor
    classes: Tensor
    spread: Tensor | None = None


class Candidates(NamedTuple):
    """The boxes of a batch above the score threshold: ``picture`` (D,) is the number of the picture of each."""

    picture: Tensor
    boxes: Tensor
    scores: Tensor
    labels: Tensor


def take_apart(raw: Tensor, options: HeadOptions) -> Head:
    """Raw head (B, A·(5 + K), N, M), of a ``[Gaussian_yolo]`` (B, A·(9 + K), N, M) -> its parts."""
    b, c, n, m = raw.shape
    anchors = len(options.anchors)
    raw = raw.float().view(b, anchors, c // anchors, n, m).permute(0, 1, 3, 4, 2)  # (B, A, N, M, 5+K)
    if isinstance(options, GaussianOptions):  # x, its uncertainty, y, its uncertainty, and so on
        return Head(raw[..., 0:4:2], raw[..., 4:8:2], raw[..., 8], raw[..., 9:], raw[..., 1:8:2])
    return Head(raw[..., :2], raw[..., 2:4], raw[..., 4], raw[..., 5:])


def decode_boxes(head: Head, options: HeadOptions) -> Tensor:
    """Boxes (B, A, N, M, 4), cxcywh fractions: x = (i + σ(tx)) / M, w = e^tw · a_w / M, and so down the rows.

    A ``[yolo]`` stretches σ(tx) by s = ``scale_x_y`` about ½: s·σ(tx) - (s - 1)/2. With ``new_coords`` tx stands for
    σ(tx), and w = (2·tw)² · a_w / M. A ``[Gaussian_yolo]`` may state the place of a corner.
    """
    _, _, n, m, _ = head.xy.shape
    cells = head.xy.new_tensor([m, n])  # (2,)
    rows, columns = torch.meshgrid(
        torch.arange(n, device=cells.device), torch.arange(m, device=cells.device), indexing="ij"
    )
    corner = torch.stack((columns, rows), dim=-1)  # (N, M, 2)
    inside = head.xy if _stated(options) else head.xy.sigmoid()
    if isinstance(options, YoloOptions):
        inside = options.scale_x_y * inside - (options.scale_x_y - 1) / 2
    anchors = head.wh.new_tensor(options.anchors)[:, None, None]  # (A, 1, 1, 2)
    sides = (2 * head.wh).square() if _stated(options) else head.wh.exp()
    places, sizes = (corner + inside) / cells, sides * anchors / cells
    if isinstance(options, GaussianOptions) and options.point != "center":
        places = places + (sizes / 2 if options.point == "left_top" else -sizes / 2)
    return torch.cat((places, sizes), dim=-1)


def _stated(options: HeadOptions) -> bool:
    """Whether the head is given values of 0 to 1, and not logits."""
    return isinstance(options, YoloOptions) and options.new_coords


def objectness_probabilities(objectness: Tensor, options: HeadOptions) -> Tensor:
    """Objectness as a head is given it -> probabilities, in the same shape."""
    return objectness if _stated(options) else objectness.sigmoid()


def class_probabilities(classes: Tensor, options: HeadOptions) -> Tensor:
    """Class outputs (..., K) of a head without a tree -> probabilities, by a softmax or each by itself."""
    exclusive = isinstance(options, RegionOptions) and options.softmax
    return classes if _stated(options) else classes.softmax(dim=-1) if exclusive else classes.sigmoid()


def detect(
    raws: Sequence[Tensor], heads: Sequence[HeadOptions], score_threshold: float, nms_threshold: float
) -> list[Detections]:
    """The raw outputs of all heads, each (B, A·(5 + K), N, M) -> the boxes of each picture.

    A score is objectness · class probability, in a ``[Gaussian_yolo]`` also times 1 less the mean uncertainty; one
    anchor can give a box for several classes. A head with a tree and no map gives one box an anchor, whose score is its
    objectness and whose label the tree's top prediction. As in Darknet the last head says by which overlap boxes go.

    Args:
        raws: the outputs of the network.
        heads: the options of each.
        score_threshold: a score must be above it.
        nms_threshold: IoU above which the worse of two boxes of one class goes.

    Raises:
        FeatureError: an output is NaN or infinite; its boxes would be missing without a word.
    """
    if not all(bool(torch.isfinite(raw).all()) for raw in raws):
        raise FeatureError(
            "the network gives NaN or infinity: are its weights damaged, or was the learning rate too high?"
        )
    by_head = [_candidates(raw, options, score_threshold) for raw, options in zip(raws, heads, strict=True)]
    found = Candidates(*(torch.cat(parts) for parts in zip(*by_head, strict=True)))
    last = heads[-1]
    distance = last.diou_nms if isinstance(last, YoloOptions) else None
    return [_one_picture(found, picture, nms_threshold, distance) for picture in range(len(raws[0]))]


def _candidates(raw: Tensor, options: HeadOptions, threshold: float) -> Candidates:
    head = take_apart(raw, options)
    boxes, objectness = cxcywh_to_xyxy(decode_boxes(head, options)), objectness_probabilities(head.objectness, options)
    if isinstance(options, RegionOptions) and options.tree is not None:
        at = torch.nonzero(objectness > threshold, as_tuple=True)  # 4 · (D,)
        labelled = _tree_labels(options.tree, options.mapped, head.classes[at], objectness[at], threshold)
        return Candidates(at[0][labelled.row], boxes[at][labelled.row], labelled.scores, labelled.labels)
    scores = objectness[..., None] * class_probabilities(head.classes, options)  # (B, A, N, M, K)
    if head.spread is not None:
        scores = scores * (1 - head.spread.sigmoid().mean(dim=-1))[..., None]
    b, a, n, m, label = torch.nonzero(scores > threshold, as_tuple=True)  # 5 · (D,)
    return Candidates(b, boxes[b, a, n, m], scores[b, a, n, m, label], label)


class _Labels(NamedTuple):
    """Labels of anchors: ``row`` (D,) says of which one."""

    row: Tensor
    scores: Tensor
    labels: Tensor


def _tree_labels(
    tree: WordTree, mapped: tuple[int, ...], logits: Tensor, objectness: Tensor, threshold: float
) -> _Labels:
    """Labels of P anchors from logits (P, K) and objectness (P,)."""
    conditional = tree.log_softmax(logits)  # (P, K)
    if not mapped:
        rows = torch.arange(len(objectness), device=objectness.device)
        return _Labels(rows, objectness, tree.top_prediction(conditional, TREE_THRESHOLD))
    classes = torch.tensor(mapped, device=logits.device)  # (J,)
    scores = objectness[:, None] * tree.log_probability(conditional, classes).exp()  # (P, J)
    row, label = torch.nonzero(scores > threshold, as_tuple=True)
    return _Labels(row, scores[row, label], label)


def _one_picture(found: Candidates, picture: int, nms_threshold: float, distance: float | None) -> Detections:
    mine = torch.nonzero(found.picture == picture).flatten()
    boxes, scores, labels = found.boxes[mine], found.scores[mine], found.labels[mine]
    kept = non_maximum_suppression(boxes, scores, labels, nms_threshold, distance)
    return {"boxes": boxes[kept], "scores": scores[kept], "labels": labels[kept]}
