"""The loss of a yolo head against a plain-loop transcription of what Darknet writes into ``delta``, and by hand."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch

from lightning_app.darknet import YoloOptions, yolo_loss
from lightning_app.darknet.box_overlap import OverlapKind, overlap
from lightning_app.darknet.yolo import BoxLoss
from lightning_app.graph import Truth

PRIORS = ((1.0, 1.5), (0.7, 4.0), (3.0, 2.0), (4.0, 3.5))
OPTIONS = YoloOptions(PRIORS, mask=(1, 2, 3), classes=3)
Box = tuple[float, float, float, float]


def truth(boxes: Sequence[Sequence[float]], labels: Sequence[int]) -> Truth:
    none = torch.zeros(0, dtype=torch.long)
    return {"boxes": torch.tensor(boxes).reshape(-1, 4), "labels": torch.tensor(labels).long(), "class_only": none}


def total(terms: dict[str, torch.Tensor]) -> torch.Tensor:
    return torch.stack(list(terms.values())).sum()


def iou(a: Box, b: Box) -> float:
    """``box_iou`` of cxcywh boxes."""
    sides = [
        min(a[i] + a[i + 2] / 2, b[i] + b[i + 2] / 2) - max(a[i] - a[i + 2] / 2, b[i] - b[i + 2] / 2) for i in (0, 1)
    ]
    shared = max(sides[0], 0) * max(sides[1], 0)
    return shared / (a[2] * a[3] + b[2] * b[3] - shared)


def darknets_delta(raw: np.ndarray, truths: list[tuple[Box, int]], o: YoloOptions) -> np.ndarray:
    """``forward_yolo_layer`` of yolo_layer.c for one picture with ``iou_loss=mse``; raw and result (A, 5 + K, N, M).

    With ``iou_thresh`` 1 a truth overwrites a box's delta, as in pjreddie's; else it is added and averaged, as in
    AlexeyAB's.
    """
    a, _, n, m = raw.shape
    output = 1 / (1 + np.exp(-raw))
    output[:, 2:4] = raw[:, 2:4]
    output[:, :2] = output[:, :2] * o.scale_x_y - 0.5 * (o.scale_x_y - 1)
    delta = np.zeros_like(raw)

    def box(k: int, j: int, i: int) -> Box:
        x, y, w, h = output[k, :4, j, i]
        prior = o.priors[o.mask[k]]
        return (i + x) / m, (j + y) / n, math.exp(w) * prior[0] / m, math.exp(h) * prior[1] / n

    def delta_yolo_box(t: Box, k: int, j: int, i: int) -> None:
        if o.iou_thresh == 1:
            delta[k, :4, j, i] = 0
        prior = o.priors[o.mask[k]]
        target = (t[0] * m - i, t[1] * n - j, math.log(t[2] * m / prior[0]), math.log(t[3] * n / prior[1]))
        for entry in range(4):
            delta[k, entry, j, i] += (2 - t[2] * t[3]) * (target[entry] - output[k, entry, j, i]) * o.iou_normalizer

    def delta_yolo_class(k: int, j: int, i: int, label: int) -> None:
        if delta[k, 5 + label, j, i]:
            delta[k, 5 + label, j, i] = o.cls_normalizer * (1 - output[k, 5 + label, j, i])
        else:
            for other in range(o.classes):
                delta[k, 5 + other, j, i] = o.cls_normalizer * ((other == label) - output[k, 5 + other, j, i])

    def train(t: Box, label: int, prior: int, j: int, i: int) -> None:
        if prior in o.mask:
            k = o.mask.index(prior)
            delta_yolo_box(t, k, j, i)
            delta[k, 4, j, i] = o.obj_normalizer * (1 - output[k, 4, j, i])
            delta_yolo_class(k, j, i, label)

    for k in range(a):
        for j in range(n):
            for i in range(m):
                best = max((iou(box(k, j, i), t) for t, _ in truths), default=0)
                delta[k, 4, j, i] = 0 if best > o.ignore_thresh else o.obj_normalizer * (0 - output[k, 4, j, i])
    for t, label in truths:
        i, j = int(t[0] * m), int(t[1] * n)
        shapes = [iou((0, 0, w / m, h / n), (0, 0, t[2], t[3])) for w, h in o.priors]
        best_n = shapes.index(max(shapes))
        train(t, label, best_n, j, i)
        for prior, shape in enumerate(shapes):
            if prior != best_n and o.iou_thresh < 1 and shape > o.iou_thresh:
                train(t, label, prior, j, i)
    if o.iou_thresh < 1:
        for k in range(a):
            for j in range(n):
                for i in range(m):
                    classes_in_one_box = (delta[k, 5:, j, i] > 0).sum()
                    if classes_in_one_box > 0:
                        delta[k, :4, j, i] /= classes_in_one_box
    return delta


BOXES = [
    [
        (0.31, 0.4, 0.3, 0.35),
        (0.33, 0.45, 0.6, 0.55),
        (0.9, 0.1, 0.1, 0.3),
        (0.32, 0.41, 0.62, 0.5),
        (0.6, 0.6, 0.2, 0.9),
    ],
    [(0.5, 0.5, 0.25, 0.4), (0.52, 0.5, 0.6, 0.6), (0.53, 0.5, 0.62, 0.6)],
]
"""Of two pictures. In the first two truths of different classes train one anchor, in the second two of one class; the
third box of the first is best met by the prior that is not in the mask."""
LABELS = [[0, 2, 1, 1, 0], [2, 0, 0]]


@pytest.mark.parametrize("iou_thresh", [1.0, 0.213])
@pytest.mark.parametrize("scale_x_y", [1.0, 1.2])
@pytest.mark.parametrize("normalizers", [(1.0, 1.0, 1.0), (0.07, 0.4, 2.0)])
def test_the_gradient_is_darknets_delta(
    iou_thresh: float, scale_x_y: float, normalizers: tuple[float, float, float]
) -> None:
    options = replace(OPTIONS, iou_thresh=iou_thresh, scale_x_y=scale_x_y, ignore_thresh=0.3)
    iou_normalizer, obj_normalizer, cls_normalizer = normalizers
    options = replace(
        options, iou_normalizer=iou_normalizer, obj_normalizer=obj_normalizer, cls_normalizer=cls_normalizer
    )
    generator = torch.Generator().manual_seed(3)
    raw = torch.randn(2, options.channels, 4, 5, generator=generator, dtype=torch.float64).requires_grad_()
    truths = [truth(b, c) for b, c in zip(BOXES, LABELS, strict=True)]
    total(yolo_loss(raw, truths, options)).backward()  # type: ignore[no-untyped-call]
    assert raw.grad is not None
    for picture in range(2):
        values = raw[picture].detach().numpy().reshape(3, 8, 4, 5)
        expected = darknets_delta(values, list(zip(BOXES[picture], LABELS[picture], strict=True)), options)
        ours = -2 * raw.grad[picture].numpy().reshape(3, 8, 4, 5)  # 2: the mean over the batch
        np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-6)


def test_the_terms_of_one_box_are_worked_out_by_hand() -> None:
    """One cell, one anchor of 2×2 cells, raw zeros: σ = ½, the box is centred and 2×2."""
    options = YoloOptions(((2.0, 2.0),), (0,), 3, iou_normalizer=3, obj_normalizer=5, cls_normalizer=2)
    terms = yolo_loss(torch.zeros(1, 8, 1, 1), [truth([(0.25, 0.5, 1.0, 0.5)], [1])], options)
    # 3 · (2 - 1·.5) · (binary cross-entropies of ½ with .25 and ½, ½ · (ln(1/2)² + ln(.5/2)²))
    assert terms["box"].item() == pytest.approx(4.5 * (2 * math.log(2) + 0.5 * (math.log(2) ** 2 + math.log(4) ** 2)))
    assert terms["objectness"].item() == pytest.approx(5 * math.log(2))
    assert terms["class"].item() == pytest.approx(2 * 3 * math.log(2))


def test_a_truth_trains_only_the_head_that_has_its_best_prior() -> None:
    priors = ((1.0, 1.0), (2.0, 2.0))
    small = truth([(0.5, 0.5, 0.5, 0.5)], [0])  # 1×1 in a grid of 2×2
    raw = torch.zeros(1, 6, 2, 2)
    assert yolo_loss(raw, [small], YoloOptions(priors, (0,), 1))["class"].item() == pytest.approx(math.log(2))
    assert yolo_loss(raw, [small], YoloOptions(priors, (1,), 1))["class"] == 0
    assert yolo_loss(raw, [small], YoloOptions(priors, (1,), 1, iou_thresh=0.3))["class"] == 0
    further = YoloOptions(priors, (1,), 1, iou_thresh=0.2)  # its IoU in shape is 1/4
    assert yolo_loss(raw, [small], further)["class"].item() == pytest.approx(math.log(2))


def test_an_anchor_that_meets_a_truth_well_is_not_pulled_to_zero() -> None:
    """One cell, two anchors; the truth is the second's, and the first overlaps it by .81 or, in the end, ½."""
    options = YoloOptions(((0.9, 0.9), (1.0, 1.0)), (0, 1), 1)
    whole = [truth([(0.5, 0.5, 1, 1)], [0])]
    raw = torch.zeros(1, 12, 1, 1)
    assert yolo_loss(raw, whole, options)["objectness"].item() == pytest.approx(math.log(2))
    by_half = replace(options, priors=((0.5, 1.0), (1.0, 1.0)))
    assert yolo_loss(raw, whole, by_half)["objectness"].item() == pytest.approx(2 * math.log(2))


@pytest.mark.parametrize("kind", ["iou", "giou", "diou", "ciou"])
def test_the_box_term_of_iou_forms_is_one_less_the_form(kind: OverlapKind) -> None:
    """One cell, a prior of the whole picture, σ(tx) = ¾ stretched to .8, height ½; the truth is the whole picture."""
    iou_loss: BoxLoss = kind
    options = YoloOptions(((1.0, 1.0),), (0,), 1, scale_x_y=1.2, iou_loss=iou_loss, iou_normalizer=0.07)
    raw = torch.zeros(1, 6, 1, 1)
    raw[0, :4, 0, 0] = torch.tensor([math.log(3), 0, 0, math.log(0.5)])
    term = yolo_loss(raw, [truth([(0.5, 0.5, 1, 1)], [0])], options)["box"]
    form = overlap(torch.tensor([[0.8, 0.5, 1, 0.5]]), torch.tensor([[0.5, 0.5, 1, 1]]), kind)
    assert term.item() == pytest.approx(0.07 * (1 - form.item()))


def dx_box_iou(p: Box, t: Box, kind: str) -> tuple[float, float, float, float]:
    """``dx_box_iou`` of AlexeyAB's box.c for boxes that meet: for x, y and, "not divided by 2", for w, h."""
    p_t, p_b, p_l, p_r = p[1] - p[3] / 2, p[1] + p[3] / 2, p[0] - p[2] / 2, p[0] + p[2] / 2
    t_t, t_b, t_l, t_r = t[1] - t[3] / 2, t[1] + t[3] / 2, t[0] - t[2] / 2, t[0] + t[2] / 2
    ih, iw = min(p_b, t_b) - max(p_t, t_t), min(p_r, t_r) - max(p_l, t_l)
    shared = iw * ih
    union = (p_b - p_t) * (p_r - p_l) + (t_b - t_t) * (t_r - t_l) - shared
    cw, ch = max(p_r, t_r) - min(p_l, t_l), max(p_b, t_b) - min(p_t, t_t)
    hull = cw * ch
    area = {"t": -(p_r - p_l), "b": p_r - p_l, "l": -(p_b - p_t), "r": p_b - p_t}
    inner = {
        "t": -iw if p_t > t_t else 0,
        "b": iw if p_b < t_b else 0,
        "l": -ih if p_l > t_l else 0,
        "r": ih if p_r < t_r else 0,
    }
    outer = {
        "t": -cw if p_t < t_t else 0,
        "b": cw if p_b > t_b else 0,
        "l": -ch if p_l < t_l else 0,
        "r": ch if p_r > t_r else 0,
    }
    step = {}
    for side in "tblr":
        d_union = area[side] - inner[side]
        step[side] = (union * inner[side] - shared * d_union) / union**2
        if kind == "giou":
            step[side] += (hull * d_union - union * outer[side]) / hull**2
    return step["l"] + step["r"], step["t"] + step["b"], step["r"] - step["l"], step["b"] - step["t"]


@pytest.mark.parametrize("kind", ["iou", "giou"])
def test_the_gradient_of_iou_and_giou_is_darknets_delta_with_half_of_it_in_w_and_h(kind: OverlapKind) -> None:
    """Three truths, each with the best prior of another anchor and met by what that predicts."""
    options = replace(OPTIONS, iou_loss=kind, iou_normalizer=0.07, scale_x_y=1.1)
    trained = {(1, 1, 1): (0.33, 0.45, 0.6, 0.55), (2, 3, 2): (0.5, 0.9, 0.85, 0.8), (0, 0, 3): (0.61, 0.2, 0.12, 0.9)}
    raw = 0.3 * torch.randn(1, options.channels, 4, 5, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    yolo_loss(raw.requires_grad_(), [truth(list(trained.values()), [0, 1, 2])], options)["box"].backward()  # type: ignore[no-untyped-call]
    assert raw.grad is not None
    values, expected = raw.detach().view(3, 8, 4, 5).numpy(), np.zeros((3, 4, 4, 5))
    for (k, j, i), box in trained.items():
        x, y = 1.1 / (1 + np.exp(-values[k, :2, j, i])) - 0.05
        w, h = np.exp(values[k, 2:4, j, i])
        prior = options.anchors[k]
        dx, dy, dw, dh = dx_box_iou(((i + x) / 5, (j + y) / 4, w * prior[0] / 5, h * prior[1] / 4), box, kind)
        expected[k, :, j, i] = 0.07 * np.array([dx, dy, dw * w / 2, dh * h / 2])
    ours = -raw.grad.view(3, 8, 4, 5)[:, :4].numpy()
    np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-7)
    assert np.count_nonzero(ours) >= 8


@pytest.mark.parametrize(("iou_thresh", "share"), [(1.0, (0, 1)), (0.5, (0.5, 0.5))])
def test_two_truths_of_two_classes_share_an_anchor(iou_thresh: float, share: tuple[float, float]) -> None:
    """The later takes the box, or each half of it; both take the classes."""
    options = YoloOptions(((1.0, 1.0),), (0,), 2, iou_thresh=iou_thresh, iou_loss="iou", iou_normalizer=1)
    boxes = [(0.5, 0.5, 0.8, 1), (0.5, 0.5, 0.6, 1)]
    terms = yolo_loss(torch.zeros(1, 7, 1, 1), [truth(boxes, [0, 1])], options)
    assert terms["box"].item() == pytest.approx(share[0] * 0.2 + share[1] * 0.4)
    raw = torch.zeros(1, 7, 1, 1)
    raw[0, 5:] = math.log(4)
    assert yolo_loss(raw, [truth(boxes, [0, 1])], options)["class"].item() == pytest.approx(-2 * math.log(0.8))


def test_boxes_past_the_max_are_left_out() -> None:
    """The last is the very box that the first anchor predicts in the middle cell."""
    raw = torch.randn(1, OPTIONS.channels, 13, 13, generator=torch.Generator().manual_seed(0))
    raw[0, :4, 6, 6] = 0
    boxes = (torch.rand(90, 4, generator=torch.Generator().manual_seed(1)) * 0.3 + 0.1).tolist()
    labels = [i % 3 for i in range(91)]
    many, kept = truth([*boxes, (0.5, 0.5, 0.7 / 13, 4 / 13)], labels), truth(boxes, labels[:90])
    assert yolo_loss(raw, [many], OPTIONS) == yolo_loss(raw, [kept], OPTIONS)
    wider = replace(OPTIONS, max_truths=91)
    assert yolo_loss(raw, [many], wider) != yolo_loss(raw, [kept], wider)


def test_pictures_without_objects_train_objectness_alone() -> None:
    raw = torch.randn(2, OPTIONS.channels, 3, 3, generator=torch.Generator().manual_seed(0))
    terms = yolo_loss(raw, [truth([], []), truth([], [])], replace(OPTIONS, iou_thresh=0.2))
    expected = -(-raw.view(2, 3, 8, 9)[:, :, 4]).sigmoid().log().sum() / 2
    assert terms["objectness"].item() == pytest.approx(expected.item(), rel=1e-5)
    assert terms["box"] == terms["class"] == 0


def test_logits_far_out_give_a_finite_loss_and_gradient() -> None:
    raw = torch.full((1, OPTIONS.channels, 2, 2), 200.0)
    raw.view(1, 3, 8, 2, 2)[:, :, 2:4] = 0
    raw.requires_grad_()
    loss = total(yolo_loss(raw, [truth([(0.5, 0.5, 0.6, 0.6)], [0])], OPTIONS))
    loss.backward()  # type: ignore[no-untyped-call]
    assert raw.grad is not None
    assert torch.isfinite(loss)
    assert torch.isfinite(raw.grad).all()
