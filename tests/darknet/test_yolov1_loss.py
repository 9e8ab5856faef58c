"""Eq. (1) of the paper by hand, and term by term in plain loops."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
import torch

from lightning_app.darknet import RegionOptions, yolov1_loss
from lightning_app.graph import Truth

#  Of the scales below Eq. (1) uses none.
OPTIONS = RegionOptions(((1.0, 1.0), (0.5, 2.0)), 2, True, False, 0.1, 7, 7, 7, 7)


def truth(boxes: Sequence[Sequence[float]], labels: Sequence[int]) -> Truth:
    none = torch.zeros(0, dtype=torch.long)
    return {"boxes": torch.tensor(boxes).reshape(-1, 4), "labels": torch.tensor(labels).long(), "class_only": none}


def test_the_terms_of_one_box_are_worked_out_by_hand() -> None:
    """A grid of one row, two columns; in column 1 anchor 0 predicts (.75, .5, .5, 1), the truth is (.7, .6, .5, .8)."""
    raw = torch.zeros(1, 14, 1, 2)
    raw[0, 4] = math.log(3)  # anchor 0 states ¾ in both columns, anchor 1 states ½
    raw[0, 5] = math.log(4)  # anchor 0 gives the classes 4/5 and 1/5
    terms = yolov1_loss(raw, [truth([(0.7, 0.6, 0.5, 0.8)], [1])], OPTIONS)
    # In its cell the truth is at (1.4 - 1, .6), the prediction at (½, ½).
    size = (math.sqrt(1) - math.sqrt(0.8)) ** 2
    assert terms["box"].item() == pytest.approx(5 * ((0.5 - 0.4) ** 2 + (0.5 - 0.6) ** 2 + size))
    shared = 0.45 * 0.8
    iou = shared / (0.5 + 0.4 - shared)
    assert terms["objectness"].item() == pytest.approx((0.75 - iou) ** 2 + 0.5 * (0.75**2 + 2 * 0.5**2))
    assert terms["class"].item() == pytest.approx((4 / 5) ** 2 + (1 - 1 / 5) ** 2)


def test_the_anchor_of_the_highest_predicted_iou_is_responsible() -> None:
    """The truth has the shape of anchor 0's prior, but it is anchor 1 that predicts it."""
    raw = torch.zeros(1, 14, 1, 1)
    raw[0, 2:4] = -1
    raw[0, 9:11, 0, 0] = torch.tensor([math.log(2), math.log(0.5)])
    raw[0, 12] = math.log(4)  # anchor 1 gives the classes 4/5 and 1/5, anchor 0 halves
    terms = yolov1_loss(raw, [truth([(0.5, 0.5, 1, 1)], [0])], OPTIONS)
    assert terms["box"].item() == pytest.approx(0, abs=1e-6)
    assert terms["class"].item() == pytest.approx((1 - 4 / 5) ** 2 + (1 / 5) ** 2)


def eq_1(raw: np.ndarray, truths: list[tuple[tuple[float, ...], int]], o: RegionOptions) -> float:
    """The five sums of the equation over the cells i and anchors j of one picture; raw (A, 5 + K, N, M)."""
    a, _, n, m = raw.shape
    x = raw.copy()
    for entry in (0, 1, 4):
        x[:, entry] = 1 / (1 + np.exp(-raw[:, entry]))
    x[:, 5:] = np.exp(raw[:, 5:]) / np.exp(raw[:, 5:]).sum(axis=1, keepdims=True)

    def predicted(j: int, row: int, column: int) -> tuple[float, float, float, float]:
        w, h = o.anchors[j]
        return (
            (column + x[j, 0, row, column]) / m,
            (row + x[j, 1, row, column]) / n,
            math.exp(x[j, 2, row, column]) * w / m,
            math.exp(x[j, 3, row, column]) * h / n,
        )

    def iou(p: tuple[float, ...], q: tuple[float, ...]) -> float:
        sides = [
            min(p[i] + p[i + 2] / 2, q[i] + q[i + 2] / 2) - max(p[i] - p[i + 2] / 2, q[i] - q[i + 2] / 2)
            for i in (0, 1)
        ]
        shared = max(sides[0], 0) * max(sides[1], 0)
        return shared / (p[2] * p[3] + q[2] * q[3] - shared)

    responsible = {}
    for box, label in truths:
        row, column = int(box[1] * n), int(box[0] * m)
        overlaps = [iou(predicted(j, row, column), box) for j in range(a)]
        responsible[overlaps.index(max(overlaps)), row, column] = (box, label)
    loss = 0.0
    for j in range(a):
        for row in range(n):
            for column in range(m):
                confidence = x[j, 4, row, column]
                if (j, row, column) not in responsible:
                    loss += 0.5 * (0 - confidence) ** 2
                    continue
                box, label = responsible[j, row, column]
                p = predicted(j, row, column)
                loss += 5 * ((box[0] * m - p[0] * m) ** 2 + (box[1] * n - p[1] * n) ** 2)
                loss += 5 * ((math.sqrt(box[2]) - math.sqrt(p[2])) ** 2 + (math.sqrt(box[3]) - math.sqrt(p[3])) ** 2)
                loss += (iou(p, box) - confidence) ** 2
                loss += sum(((c == label) - x[j, 5 + c, row, column]) ** 2 for c in range(o.classes))
    return loss


def test_the_loss_is_the_equation_in_plain_loops() -> None:
    boxes = [
        [(0.31, 0.4, 0.3, 0.35), (0.33, 0.45, 0.6, 0.55), (0.9, 0.1, 0.1, 0.9), (0.32, 0.41, 0.31, 0.36)],
        [(0.5, 0.5, 0.25, 0.4)],
    ]
    labels = [[0, 1, 1, 1], [0]]
    raw = torch.randn(2, 14, 4, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    terms = yolov1_loss(raw, [truth(b, c) for b, c in zip(boxes, labels, strict=True)], OPTIONS)
    expected = [
        eq_1(values, list(zip(b, c, strict=True)), OPTIONS)
        for values, b, c in zip(raw.numpy().reshape(2, 2, 7, 4, 5), boxes, labels, strict=True)
    ]
    assert torch.stack(list(terms.values())).sum().item() == pytest.approx(sum(expected) / 2, rel=1e-5)


def test_the_target_of_the_confidence_has_no_gradient() -> None:
    raw = torch.randn(1, 14, 3, 3, generator=torch.Generator().manual_seed(0), requires_grad=True)
    yolov1_loss(raw, [truth([(0.5, 0.5, 0.6, 0.4)], [0])], OPTIONS)["objectness"].backward()  # type: ignore[no-untyped-call]
    assert raw.grad is not None
    gradient = raw.grad.view(2, 7, 3, 3).abs().sum(dim=(0, 2, 3))
    assert gradient.gt(0).tolist() == [False, False, False, False, True, False, False]


def test_pictures_without_objects_train_objectness_alone() -> None:
    raw = torch.zeros(2, 14, 3, 3)
    terms = yolov1_loss(raw, [truth([], []), truth([], [])], OPTIONS)
    assert terms["objectness"].item() == pytest.approx(0.5 * 18 * 0.25)
    assert terms["box"] == terms["class"] == 0
