"""The head of Gaussian YOLOv3 against a plain-loop transcription of AlexeyAB's gaussian_yolo_layer.c, and by hand."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from lightning_app.darknet import Network, detect, detection_loss
from lightning_app.darknet.gaussian_loss import gaussian_loss
from lightning_app.darknet.yolo import GaussianOptions, Point
from lightning_app.errors import CfgError
from lightning_app.graph import Truth

PRIORS = ((1.0, 1.5), (0.7, 4.0), (3.0, 2.0))
OPTIONS = GaussianOptions(PRIORS, mask=(0, 2), classes=3, ignore_thresh=0.3)
Box = tuple[float, float, float, float]
CFG = """
[net]
width=64
height=32
channels=3
[convolutional]
filters={filters}
size=3
stride=2
pad=1
activation=linear
[Gaussian_yolo]
mask=0,1
anchors=8,10, 24,30
num=2
classes=2
{options}
"""


def truth(boxes: Sequence[Sequence[float]], labels: Sequence[int]) -> Truth:
    none = torch.zeros(0, dtype=torch.long)
    return {"boxes": torch.tensor(boxes).reshape(-1, 4), "labels": torch.tensor(labels).long(), "class_only": none}


def logit(p: float) -> float:
    return math.log(p / (1 - p))


def test_the_section_is_read_and_its_channels_are_nine_and_the_classes(cfg: Callable[[str], Path]) -> None:
    text = "scale_x_y=1.05\nuc_normalizer=.5\niou_loss=giou\nyolo_point=left_top\nmax_delta=2\nnms_kind=diounms\n"
    (head,) = Network.from_cfg(cfg(CFG.format(filters=22, options=text))).heads
    assert isinstance(head, GaussianOptions)
    assert (head.channels, head.anchors) == (22, ((4, 5), (12, 15)))
    assert (head.scale_x_y, head.uc_normalizer, head.iou_loss, head.point) == (1.05, 0.5, "giou", "left_top")
    assert head.diou_nms == 0.6
    with pytest.raises(CfgError, match=r"needs 22 channels, anchors·\(8 \+ 1 \+ classes\), and is given 14"):
        Network.from_cfg(cfg(CFG.format(filters=14, options="")))


@pytest.mark.parametrize(("point", "shift"), [("center", 0.0), ("left_top", 0.5), ("right_bottom", -0.5)])
def test_a_box_and_its_scores_are_worked_out_by_hand(point: Point, shift: float) -> None:
    """Row 1 of 2, column 2 of 4; the score is .9 · .7 · (1 - (.1 + .2 + .3 + .4)/4)."""
    options = GaussianOptions(((3.0, 1.0),), (0,), 2, point=point)
    raw = torch.full((1, 11, 2, 4), -20.0)
    spread = [logit(p) for p in (0.1, 0.2, 0.3, 0.4)]
    values = [0.0, spread[0], logit(0.8), spread[1], math.log(0.5), spread[2], 0.0, spread[3], logit(0.9)]
    raw[0, :, 1, 2] = torch.tensor([*values, logit(0.3), logit(0.7)])
    (found,) = detect((raw,), (options,), score_threshold=0.3, nms_threshold=0.45)
    w, h = 0.375, 0.5
    x, y = 2.5 / 4 + shift * w, 1.8 / 2 + shift * h
    assert found["boxes"].tolist() == [pytest.approx([x - w / 2, y - h / 2, x + w / 2, y + h / 2])]
    assert found["scores"].tolist() == pytest.approx([0.9 * 0.7 * 0.75])
    assert found["labels"].tolist() == [1]


def iou(a: Box, b: Box) -> float:
    sides = [
        min(a[i] + a[i + 2] / 2, b[i] + b[i + 2] / 2) - max(a[i] - a[i + 2] / 2, b[i] - b[i + 2] / 2) for i in (0, 1)
    ]
    shared = max(sides[0], 0) * max(sides[1], 0)
    return shared / (a[2] * a[3] + b[2] * b[3] - shared)


def darknets_delta(raw: np.ndarray, truths: list[tuple[Box, int]], o: GaussianOptions) -> np.ndarray:
    """``forward_gaussian_yolo_layer`` for one picture with ``iou_loss=mse``; raw and result (A, 9 + K, N, M)."""
    a, _, n, m = raw.shape
    x = 1 / (1 + np.exp(-raw))
    x[:, 4], x[:, 6] = raw[:, 4], raw[:, 6]
    for entry in (0, 2):
        x[:, entry] = x[:, entry] * o.scale_x_y - 0.5 * (o.scale_x_y - 1)
    delta = np.zeros_like(raw)
    corner = {"center": 0.0, "left_top": -0.5, "right_bottom": 0.5}[o.point]

    def box(k: int, j: int, i: int) -> Box:
        prior = o.priors[o.mask[k]]
        w, h = math.exp(x[k, 4, j, i]) * prior[0] / m, math.exp(x[k, 6, j, i]) * prior[1] / n
        return (i + x[k, 0, j, i]) / m - corner * w, (j + x[k, 2, j, i]) / n - corner * h, w, h

    def train(t: Box, label: int, prior: int, j: int, i: int) -> None:
        if prior not in o.mask:
            return
        k, (pw, ph) = o.mask.index(prior), o.priors[prior]
        targets = ((t[0] + corner * t[2]) * m - i, (t[1] + corner * t[3]) * n - j)
        targets = (*targets, math.log(t[2] * m / pw), math.log(t[3] * n / ph))  # type: ignore[assignment]
        for place, target in enumerate(targets):
            mean, u = x[k, 2 * place, j, i], x[k, 2 * place + 1, j, i]
            apart = (target - mean) / u
            density = math.exp(-0.5 * apart**2) / (math.sqrt(math.pi * 2) * (u + 0.3))
            temp = 0.5 / (density + 1e-9) * density * (2 - t[2] * t[3])
            delta[k, 2 * place, j, i] += temp * apart / u * o.iou_normalizer
            delta[k, 2 * place + 1, j, i] += temp * (apart**2 / u - 1 / (u + 0.3)) * o.uc_normalizer
        delta[k, 8, j, i] = o.obj_normalizer * (1 - x[k, 8, j, i])
        if delta[k, 9 + label, j, i]:
            delta[k, 9 + label, j, i] = 1 - x[k, 9 + label, j, i]
        else:
            for other in range(o.classes):
                delta[k, 9 + other, j, i] = (other == label) - x[k, 9 + other, j, i]

    for k, j, i in np.ndindex(a, n, m):
        best = max((iou(box(k, j, i), t) for t, _ in truths), default=0)
        delta[k, 8, j, i] = 0 if best > o.ignore_thresh else o.obj_normalizer * (0 - x[k, 8, j, i])
    for t, label in truths:
        i = min(max(int((t[0] + corner * t[2]) * m), 0), m - 1)
        j = min(max(int((t[1] + corner * t[3]) * n), 0), n - 1)
        shapes = [iou((0, 0, w / m, h / n), (0, 0, t[2], t[3])) for w, h in o.priors]
        best_n = shapes.index(max(shapes))
        train(t, label, best_n, j, i)
        for prior, shape in enumerate(shapes):
            if prior != best_n and o.iou_thresh < 1 and shape > o.iou_thresh:
                train(t, label, prior, j, i)
    for k, j, i in np.ndindex(a, n, m):
        classes_in_one_box = (delta[k, 9:, j, i] > 0).sum()
        if classes_in_one_box > 0:
            delta[k, :8, j, i] /= classes_in_one_box
    return delta


BOXES = [[(0.31, 0.4, 0.3, 0.35), (0.33, 0.45, 0.6, 0.55), (0.9, 0.2, 0.1, 0.3), (0.32, 0.41, 0.62, 0.5)],
         [(0.5, 0.5, 0.25, 0.4), (0.52, 0.5, 0.6, 0.6)]]  # fmt: skip
LABELS = [[0, 2, 1, 1], [2, 0]]


@pytest.mark.parametrize("point", ["center", "left_top", "right_bottom"])
@pytest.mark.parametrize(
    ("iou_thresh", "scale_x_y", "normalizers"), [(1.0, 1.0, (1, 1, 1)), (0.2, 1.2, (0.07, 0.5, 2))]
)
def test_the_gradient_is_darknets_delta(
    point: Point, iou_thresh: float, scale_x_y: float, normalizers: tuple[float, float, float]
) -> None:
    iou_normalizer, uc_normalizer, obj_normalizer = normalizers
    options = replace(
        OPTIONS, point=point, iou_thresh=iou_thresh, scale_x_y=scale_x_y, iou_normalizer=iou_normalizer,
        uc_normalizer=uc_normalizer, obj_normalizer=obj_normalizer,
    )  # fmt: skip
    generator = torch.Generator().manual_seed(3)
    raw = torch.randn(2, options.channels, 4, 5, generator=generator, dtype=torch.float64).requires_grad_()
    truths = [truth(b, c) for b, c in zip(BOXES, LABELS, strict=True)]
    terms = gaussian_loss(raw, truths, options)
    torch.stack(list(terms.values())).sum().backward()  # type: ignore[no-untyped-call]
    assert raw.grad is not None
    for picture in range(2):
        values = raw[picture].detach().numpy().reshape(2, 12, 4, 5)
        expected = darknets_delta(values, list(zip(BOXES[picture], LABELS[picture], strict=True)), options)
        ours = -2 * raw.grad[picture].numpy().reshape(2, 12, 4, 5)  # 2: the mean over the batch
        np.testing.assert_allclose(ours, expected, rtol=2e-4, atol=1e-6)
    assert set(terms) == {"box", "uncertainty", "objectness", "class"}


def test_a_form_of_iou_trains_the_box_in_place_of_the_means_and_the_deviations_still_learn() -> None:
    options = replace(OPTIONS, iou_loss="giou", mask=(0,))
    raw = torch.zeros(1, 12, 1, 1).requires_grad_()
    terms = detection_loss([raw], [truth([(0.5, 0.5, 1, 1)], [1])], [options], 0)
    terms["box"].backward(retain_graph=True)  # type: ignore[no-untyped-call]
    assert raw.grad is not None
    assert raw.grad[0, 1:8:2].abs().max() == 0
    terms["uncertainty"].backward()  # type: ignore[no-untyped-call]
    assert bool((raw.grad[0, 1:8:2] != 0).all())
    assert torch.isfinite(raw.grad).all()
