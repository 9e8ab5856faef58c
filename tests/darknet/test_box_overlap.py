"""IoU and its forms against plain transcriptions of AlexeyAB's ``box.c``, and by hand."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lightning_app.boxes import cxcywh_to_xyxy, pairwise_iou
from lightning_app.darknet.box_overlap import OverlapKind, overlap

Box = tuple[float, float, float, float]
KINDS: tuple[OverlapKind, ...] = ("iou", "giou", "diou", "ciou")

centre, size = st.floats(0, 1), st.floats(0.05, 1)
box = st.tuples(centre, centre, size, size)


def darknets(a: Box, b: Box, kind: OverlapKind) -> float:
    """``box_iou``, ``box_giou``, ``box_diou`` (its exponent .6 left out, as in the paper) and ``box_ciou``."""
    left, right = min(a[0] - a[2] / 2, b[0] - b[2] / 2), max(a[0] + a[2] / 2, b[0] + b[2] / 2)
    top, bottom = min(a[1] - a[3] / 2, b[1] - b[3] / 2), max(a[1] + a[3] / 2, b[1] + b[3] / 2)
    w = min(a[0] + a[2] / 2, b[0] + b[2] / 2) - max(a[0] - a[2] / 2, b[0] - b[2] / 2)
    h = min(a[1] + a[3] / 2, b[1] + b[3] / 2) - max(a[1] - a[3] / 2, b[1] - b[3] / 2)
    shared = w * h if w > 0 and h > 0 else 0
    union = a[2] * a[3] + b[2] * b[3] - shared
    iou = shared / union
    if kind == "iou":
        return iou
    if kind == "giou":
        hull = (right - left) * (bottom - top)
        return iou - (hull - union) / hull
    d = ((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2) / ((right - left) ** 2 + (bottom - top) ** 2)
    if kind == "diou":
        return iou - d
    ar_loss = 4 / math.pi**2 * (math.atan(b[2] / b[3]) - math.atan(a[2] / a[3])) ** 2
    alpha = ar_loss / (1 - iou + ar_loss + 0.000001)
    return iou - (d + alpha * ar_loss)


@pytest.mark.parametrize("kind", KINDS)
@given(a=box, b=box)
def test_every_form_is_darknets(kind: OverlapKind, a: Box, b: Box) -> None:
    ours = overlap(torch.tensor([a], dtype=torch.float64), torch.tensor([b], dtype=torch.float64), kind)
    assert ours.item() == pytest.approx(darknets(a, b, kind), abs=1e-9)


@given(a=box, b=box)
def test_iou_is_that_of_pairs_of_corners(a: Box, b: Box) -> None:
    p, t = torch.tensor([a], dtype=torch.float64), torch.tensor([b], dtype=torch.float64)
    assert overlap(p, t).item() == pytest.approx(pairwise_iou(cxcywh_to_xyxy(p), cxcywh_to_xyxy(t)).item(), abs=1e-9)


@pytest.mark.parametrize(("kind", "expected"), [("iou", 1 / 7), ("giou", 1 / 7 - 2 / 9), ("diou", 1 / 7 - 2 / 18)])
def test_two_boxes_are_worked_out_by_hand(kind: OverlapKind, expected: float) -> None:
    """2×2 and 2×2, one right and one down: 1 shared of 7, 2 of the hull's 9 in neither, its corners √18 apart."""
    a, b = torch.tensor([[0.0, 0.0, 2.0, 2.0]]), torch.tensor([[1.0, 1.0, 2.0, 2.0]])
    assert overlap(a, b, kind).item() == pytest.approx(expected)


def test_ciou_of_a_tall_and_a_wide_box_is_worked_out_by_hand() -> None:
    """1×2 and 2×1 at one centre: 1 shared of 3."""
    a, b = torch.tensor([[0.0, 0.0, 1.0, 2.0]]), torch.tensor([[0.0, 0.0, 2.0, 1.0]])
    v = 4 / math.pi**2 * (math.atan(2) - math.atan(1 / 2)) ** 2
    assert overlap(a, b, "ciou").item() == pytest.approx(1 / 3 - v * v / (2 / 3 + v), abs=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_equal_boxes_meet_in_full_and_have_a_gradient(kind: OverlapKind) -> None:
    a = torch.tensor([[0.3, 0.4, 0.1, 0.7]], requires_grad=True)
    value = overlap(a, a.detach().clone(), kind)
    value.sum().backward()  # type: ignore[no-untyped-call]
    assert value.item() == pytest.approx(1)
    assert a.grad is not None
    assert torch.isfinite(a.grad).all()


@pytest.mark.parametrize("kind", ["giou", "diou", "ciou"])
def test_boxes_that_do_not_meet_are_pulled_together(kind: OverlapKind) -> None:
    a = torch.tensor([[0.2, 0.5, 0.1, 0.1]], requires_grad=True)
    (1 - overlap(a, torch.tensor([[0.8, 0.5, 0.1, 0.1]]), kind)).sum().backward()  # type: ignore[no-untyped-call]
    assert a.grad is not None
    assert a.grad[0, 0] < 0


def test_the_aspect_weight_of_ciou_is_a_constant() -> None:
    """The gradient is that of IoU - distance - α·v with α as it is here."""
    a = torch.tensor([[0.45, 0.5, 0.2, 0.4]], dtype=torch.float64, requires_grad=True)
    b = torch.tensor([[0.5, 0.5, 0.4, 0.3]], dtype=torch.float64)
    (gradient,) = torch.autograd.grad(overlap(a, b, "ciou").sum(), a)
    iou = overlap(a, b).item()
    v = 4 / math.pi**2 * (torch.atan(a[0, 2] / a[0, 3]) - math.atan(0.4 / 0.3)) ** 2
    alpha = v.item() / (1 - iou + v.item())
    (expected,) = torch.autograd.grad(overlap(a, b, "diou").sum() - alpha * v, a)
    torch.testing.assert_close(gradient, expected, rtol=1e-4, atol=1e-6)
