"""The heads of Scaled-YOLOv4 and YOLOv7, which are given what σ gave: their loss, and suppression by distance."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from lightning_app.darknet import YoloOptions, detect, yolo_loss
from lightning_app.darknet.imitation import imitation_terms
from lightning_app.darknet.suppress import non_maximum_suppression
from lightning_app.darknet.yolo import BoxLoss
from tests.darknet.test_yolo_loss import BOXES, LABELS, PRIORS, Box, dx_box_iou, iou, total, truth

OPTIONS = YoloOptions(PRIORS, mask=(1, 2, 3), classes=3, ignore_thresh=0.3, new_coords=True, scale_x_y=2.0)


def stated(*shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64) * 0.8 + 0.1


def test_a_box_and_its_scores_are_worked_out_by_hand() -> None:
    """Column 2 of 4: x = (2 + 2 · .7 - ½) / 4, w = 4 · .6² · 3 / 4."""
    options = YoloOptions(((3.0, 1.0),), (0,), 2, scale_x_y=2.0, new_coords=True)
    raw = torch.zeros(1, 7, 1, 4)
    raw[0, :, 0, 2] = torch.tensor([0.7, 0.5, 0.6, 0.5, 0.9, 0.3, 0.8])
    (found,) = detect((raw,), (options,), score_threshold=0.3, nms_threshold=0.45)
    x, w = 2.9 / 4, 4 * 0.36 * 3 / 4
    assert found["boxes"].tolist() == [pytest.approx([x - w / 2, 0, x + w / 2, 1])]
    assert found["scores"].tolist() == pytest.approx([0.72])
    assert found["labels"].tolist() == [1]


def darknets_delta(p: np.ndarray, truths: list[tuple[Box, int]], o: YoloOptions) -> np.ndarray:
    """``process_batch`` of yolo_layer.c with ``new_coords`` and mse; values and result (A, 5 + K, N, M)."""
    a, _, n, m = p.shape
    x, delta = p.copy(), np.zeros_like(p)
    x[:, :2] = x[:, :2] * o.scale_x_y - 0.5 * (o.scale_x_y - 1)

    def box(k: int, j: int, i: int) -> Box:
        pw, ph = o.priors[o.mask[k]]
        w, h = x[k, 2:4, j, i]
        return (i + x[k, 0, j, i]) / m, (j + x[k, 1, j, i]) / n, w * w * 4 * pw / m, h * h * 4 * ph / n

    for k, j, i in np.ndindex(a, n, m):
        best = max((iou(box(k, j, i), t) for t, _ in truths), default=0)
        delta[k, 4, j, i] = 0 if best > o.ignore_thresh else o.obj_normalizer * (0 - x[k, 4, j, i])
    for t, label in truths:
        i, j = int(t[0] * m), int(t[1] * n)
        shapes = [iou((0, 0, w / m, h / n), (0, 0, t[2], t[3])) for w, h in o.priors]
        best_n = shapes.index(max(shapes))
        for prior, shape in enumerate(shapes):
            if prior not in o.mask or (prior != best_n and shape <= o.iou_thresh):
                continue
            k, (pw, ph) = o.mask.index(prior), o.priors[prior]
            target = (t[0] * m - i, t[1] * n - j, math.sqrt(t[2] * m / (4 * pw)), math.sqrt(t[3] * n / (4 * ph)))
            for entry in range(4):
                delta[k, entry, j, i] += (2 - t[2] * t[3]) * (target[entry] - x[k, entry, j, i]) * o.iou_normalizer
            delta[k, 4, j, i] = o.obj_normalizer * (1 - x[k, 4, j, i])
            if delta[k, 5 + label, j, i]:
                delta[k, 5 + label, j, i] = o.cls_normalizer * (1 - x[k, 5 + label, j, i])
            else:
                for other in range(o.classes):
                    delta[k, 5 + other, j, i] = o.cls_normalizer * ((other == label) - x[k, 5 + other, j, i])
    for k, j, i in np.ndindex(a, n, m):
        classes_in_one_box = (delta[k, 5:, j, i] > 0).sum()
        if classes_in_one_box > 0:
            delta[k, :4, j, i] /= classes_in_one_box
    return delta


@pytest.mark.parametrize("normalizers", [(1.0, 1.0, 1.0), (0.05, 0.4, 0.5)])
def test_the_gradient_is_darknets_delta(normalizers: tuple[float, float, float]) -> None:
    iou_normalizer, obj_normalizer, cls_normalizer = normalizers
    options = replace(
        OPTIONS, iou_thresh=0.2, iou_normalizer=iou_normalizer, obj_normalizer=obj_normalizer,
        cls_normalizer=cls_normalizer,
    )  # fmt: skip
    raw = stated(2, options.channels, 4, 5).requires_grad_()
    total(yolo_loss(raw, [truth(b, c) for b, c in zip(BOXES, LABELS, strict=True)], options)).backward()  # type: ignore[no-untyped-call]
    assert raw.grad is not None
    for picture in range(2):
        values = raw[picture].detach().numpy().reshape(3, 8, 4, 5)
        expected = darknets_delta(values, list(zip(BOXES[picture], LABELS[picture], strict=True)), options)
        ours = -2 * raw.grad[picture].numpy().reshape(3, 8, 4, 5)  # 2: the mean over the batch
        np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", ["iou", "giou"])
def test_the_gradient_of_iou_forms_goes_to_the_values_as_they_are(kind: BoxLoss) -> None:
    options = replace(OPTIONS, iou_loss=kind, iou_normalizer=0.05, scale_x_y=1.0)
    raw = stated(1, options.channels, 4, 5).requires_grad_()
    box = (0.33, 0.45, 0.6, 0.55)
    yolo_loss(raw, [truth([box], [0])], options)["box"].backward()  # type: ignore[no-untyped-call]
    assert raw.grad is not None
    p, (pw, ph) = raw.detach().view(3, 8, 4, 5)[1, :4, 1, 1].tolist(), PRIORS[2]
    predicted = ((1 + p[0]) / 5, (1 + p[1]) / 4, 4 * p[2] ** 2 * pw / 5, 4 * p[3] ** 2 * ph / 4)
    dx, dy, dw, dh = dx_box_iou(predicted, box, kind)
    ours = -raw.grad.view(3, 8, 4, 5)[1, :4, 1, 1].numpy()
    np.testing.assert_allclose(ours, 0.05 * np.array([dx, dy, dw / 2, dh / 2]), rtol=1e-4, atol=1e-7)


def test_a_student_that_gives_what_its_teacher_gives_has_nothing_left_to_learn() -> None:
    raw = stated(2, OPTIONS.channels, 3, 4).float()
    terms = imitation_terms([raw], [raw.clone()], [OPTIONS])
    assert [term.item() for term in terms.values()] == pytest.approx([0, 0, 0], abs=1e-4)
    other = imitation_terms([raw], [raw.flip(0)], [OPTIONS])
    assert min(term.item() for term in other.values()) > 0.01


def test_suppression_by_distance_keeps_a_box_whose_centre_is_apart() -> None:
    """IoU 1/3 of two unit boxes half a side apart; d/c = ¼ / (1.5² + 1) = 1/13, and √(1/13) = 0.277."""
    boxes = torch.tensor([[0.0, 0, 1, 1], [0.5, 0, 1.5, 1]])
    options = boxes, torch.tensor([0.9, 0.8]), torch.tensor([0, 0])
    assert non_maximum_suppression(*options, 0.3).tolist() == [0]
    assert non_maximum_suppression(*options, 0.3, distance=0.5).tolist() == [0, 1]
    assert non_maximum_suppression(*options, 0.05, distance=0.5).tolist() == [0]
    assert non_maximum_suppression(*options, 0.25, distance=1).tolist() == [0]  # 1/3 - 1/13 = .256
    assert non_maximum_suppression(*options, 0.26, distance=1).tolist() == [0, 1]


def test_the_last_head_says_how_boxes_are_suppressed() -> None:
    options = YoloOptions(((1.0, 1.0),), (0,), 1, diou_nms=0.5)
    raw = torch.full((1, 6, 1, 2), 20.0)
    raw[0, :2] = 0
    raw[0, 2:4] = torch.tensor([math.log(2.0), 0.0])[:, None, None]  # two boxes of 2×1 cells, a cell apart
    assert [len(detect((raw,), (replace(options, diou_nms=beta),), 0.5, 0.3)[0]["scores"]) for beta in (None, 0.5)] == [
        1,
        2,
    ]
