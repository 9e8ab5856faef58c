"""The region loss against a plain-loop transcription of what Darknet writes into ``delta``, and by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from lightning_app.darknet import RegionOptions, Truth, region_loss

OPTIONS = RegionOptions(
    anchors=((1.0, 1.5), (3.0, 2.0), (0.7, 4.0)),
    classes=3,
    bias_match=True,
    rescore=True,
    thresh=0.6,
    object_scale=5,
    noobject_scale=1,
    class_scale=1,
    coord_scale=1,
)
Box = tuple[float, float, float, float]


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def iou(a: Box, b: Box) -> float:
    """``box_iou`` of cxcywh boxes."""
    sides = [
        min(a[i] + a[i + 2] / 2, b[i] + b[i + 2] / 2) - max(a[i] - a[i + 2] / 2, b[i] - b[i + 2] / 2) for i in (0, 1)
    ]
    shared = max(sides[0], 0) * max(sides[1], 0)
    return shared / (a[2] * a[3] + b[2] * b[3] - shared)


def darknets_delta(raw: np.ndarray, truths: list[tuple[Box, int]], o: RegionOptions, seen: int) -> np.ndarray:
    """``forward_region_layer`` of region_layer.c for one picture; raw and result (A, 5 + K, N, M)."""
    a, _, n, m = raw.shape
    delta = np.zeros_like(raw)

    def box(k: int, j: int, i: int) -> Box:
        tx, ty, tw, th = raw[k, :4, j, i]
        w, h = o.anchors[k]
        return (i + sigmoid(tx)) / m, (j + sigmoid(ty)) / n, math.exp(tw) * w / m, math.exp(th) * h / n

    def delta_region_box(t: Box, k: int, j: int, i: int, scale: float) -> float:
        x, y = sigmoid(raw[k, 0, j, i]), sigmoid(raw[k, 1, j, i])
        delta[k, 0, j, i] = scale * (t[0] * m - i - x) * x * (1 - x)
        delta[k, 1, j, i] = scale * (t[1] * n - j - y) * y * (1 - y)
        delta[k, 2, j, i] = scale * (math.log(t[2] * m / o.anchors[k][0]) - raw[k, 2, j, i])
        delta[k, 3, j, i] = scale * (math.log(t[3] * n / o.anchors[k][1]) - raw[k, 3, j, i])
        return iou(box(k, j, i), t)

    for k in range(a):
        for j in range(n):
            for i in range(m):
                objectness = sigmoid(raw[k, 4, j, i])
                best = max((iou(box(k, j, i), t) for t, _ in truths), default=0)
                slope = objectness * (1 - objectness)
                delta[k, 4, j, i] = 0 if best > o.thresh else o.noobject_scale * (0 - objectness) * slope
                if seen < 12_800:
                    prior = ((i + 0.5) / m, (j + 0.5) / n, o.anchors[k][0] / m, o.anchors[k][1] / n)
                    delta_region_box(prior, k, j, i, 0.01)
    for t, label in truths:
        i, j = int(t[0] * m), int(t[1] * n)
        best, k = 0.0, 0
        for candidate in range(a):
            _, _, w, h = box(candidate, j, i)
            if o.bias_match:
                w, h = o.anchors[candidate][0] / m, o.anchors[candidate][1] / n
            overlap = iou((0, 0, w, h), (0, 0, t[2], t[3]))
            if overlap > best:
                best, k = overlap, candidate
        overlap = delta_region_box(t, k, j, i, o.coord_scale * (2 - t[2] * t[3]))
        objectness = sigmoid(raw[k, 4, j, i])
        target = overlap if o.rescore else 1
        delta[k, 4, j, i] = o.object_scale * (target - objectness) * objectness * (1 - objectness)
        exponents = np.exp(raw[k, 5:, j, i])
        delta[k, 5:, j, i] = o.class_scale * ((np.arange(o.classes) == label) - exponents / exponents.sum())
    return delta


@pytest.mark.parametrize("seen", [0, 12_799, 12_800])
@pytest.mark.parametrize("bias_match", [True, False])
@pytest.mark.parametrize("rescore", [True, False])
def test_the_gradient_is_darknets_delta(seen: int, bias_match: bool, rescore: bool) -> None:
    options = replace(
        OPTIONS, bias_match=bias_match, rescore=rescore, coord_scale=1.5, class_scale=2, noobject_scale=0.5
    )
    generator = torch.Generator().manual_seed(3)
    raw = torch.randn(2, options.channels, 4, 5, generator=generator, dtype=torch.float64).requires_grad_()
    boxes = [
        [(0.31, 0.4, 0.3, 0.35), (0.33, 0.45, 0.6, 0.55), (0.9, 0.1, 0.1, 0.9), (0.32, 0.41, 0.31, 0.36)],
        [(0.5, 0.5, 0.25, 0.4)],
    ]
    labels = [[0, 2, 1, 1], [2]]
    truths: list[Truth] = [
        {"boxes": torch.tensor(b), "labels": torch.tensor(c)} for b, c in zip(boxes, labels, strict=True)
    ]
    torch.stack(list(region_loss(raw, truths, options, seen).values())).sum().backward()  # type: ignore[no-untyped-call]
    assert raw.grad is not None
    for picture in range(2):
        values = raw[picture].detach().numpy().reshape(3, 8, 4, 5)
        pairs = list(zip(boxes[picture], labels[picture], strict=True))
        expected = darknets_delta(values, pairs, options, seen)
        ours = -2 * raw.grad[picture].numpy().reshape(3, 8, 4, 5)  # 2: the mean over the batch
        np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-6)


def test_an_anchor_that_meets_a_truth_well_is_not_pulled_to_zero() -> None:
    """One cell, two anchors; the truth is the second's, and the first happens to overlap it by more than thresh."""
    options = replace(OPTIONS, anchors=((0.9, 0.9), (1.0, 1.0)), rescore=False)
    raw = torch.zeros(1, options.channels, 1, 1, requires_grad=True)
    truth: Truth = {"boxes": torch.tensor([[0.5, 0.5, 1.0, 1.0]]), "labels": torch.tensor([0])}
    region_loss(raw, [truth], options, seen=12_800)["objectness"].backward()  # type: ignore[no-untyped-call]
    assert raw.grad is not None
    gradient = raw.grad.view(2, 8)[:, 4]
    assert gradient[0] == 0  # IoU .81 > .6
    assert gradient[1] == pytest.approx(5 * (0.5 - 1) * 0.25)  # object_scale · (σ(0) - 1) · σ'(0)


def test_the_terms_of_one_box_are_worked_out_by_hand() -> None:
    """One cell, one anchor of 2×2 cells, raw zeros: σ = ½, the box is centred and 2×2."""
    options = replace(OPTIONS, anchors=((2.0, 2.0),), rescore=False)
    raw = torch.zeros(1, options.channels, 1, 1)
    truth: Truth = {"boxes": torch.tensor([[0.25, 0.5, 1.0, 0.5]]), "labels": torch.tensor([1])}
    terms = region_loss(raw, [truth], options, seen=12_800)
    # ½ · (2 - 1·.5) · ((.5 - .25)² + 0 + ln(1/2)² + ln(.5/2)²)
    assert terms["box"].item() == pytest.approx(0.75 * (0.0625 + math.log(2) ** 2 + math.log(4) ** 2))
    assert terms["objectness"].item() == pytest.approx(0.5 * 5 * 0.25)
    assert terms["class"].item() == pytest.approx(math.log(3))
    assert terms["prior"].item() == 0


def test_of_two_truths_of_one_anchor_the_later_trains_it() -> None:
    raw = torch.zeros(1, OPTIONS.channels, 2, 2)
    box = [0.2, 0.2, 0.4, 0.6]
    both: Truth = {"boxes": torch.tensor([box, box]), "labels": torch.tensor([0, 2])}
    later: Truth = {"boxes": torch.tensor([box]), "labels": torch.tensor([2])}
    raw[:, 5::8] = 1
    assert region_loss(raw, [both], OPTIONS, 12_800) == region_loss(raw, [later], OPTIONS, 12_800)


def test_pictures_without_objects_train_objectness_alone() -> None:
    raw = torch.randn(2, OPTIONS.channels, 3, 3, generator=torch.Generator().manual_seed(0))
    empty: Truth = {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.long)}
    terms = region_loss(raw, [empty, empty], OPTIONS, 12_800)
    expected = 0.5 * raw.view(2, 3, 8, 9)[:, :, 4].sigmoid().square().sum() / 2
    assert terms["objectness"].item() == pytest.approx(expected.item())
    assert terms["box"] == terms["class"] == terms["prior"] == 0


def test_the_31st_box_is_left_out() -> None:
    raw = torch.randn(1, OPTIONS.channels, 13, 13, generator=torch.Generator().manual_seed(0))
    boxes = torch.rand(31, 4, generator=torch.Generator().manual_seed(1)) * 0.5 + 0.1
    labels = torch.arange(31) % 3
    many: Truth = {"boxes": boxes, "labels": labels}
    kept: Truth = {"boxes": boxes[:30], "labels": labels[:30]}
    assert region_loss(raw, [many], OPTIONS, 0) == region_loss(raw, [kept], OPTIONS, 0)
