"""The region loss against a plain-loop transcription of what Darknet writes into ``delta``, and by hand."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch

from lightning_app.darknet import RegionOptions, WordTree, region_loss
from lightning_app.graph import Truth

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
TREE = WordTree(("animal", "thing", "dog", "cat", "terrier", "hound", "cup"), (-1, -1, 0, 0, 2, 2, 1))
TREE_OPTIONS = replace(OPTIONS, classes=7, tree=TREE)
Box = tuple[float, float, float, float]


def truth(boxes: Sequence[Sequence[float]], labels: Sequence[int], class_only: Sequence[int] = ()) -> Truth:
    return {
        "boxes": torch.tensor(boxes).reshape(-1, 4),
        "labels": torch.tensor(labels, dtype=torch.long),
        "class_only": torch.tensor(class_only, dtype=torch.long),
    }


def total(terms: dict[str, torch.Tensor]) -> torch.Tensor:
    return torch.stack(list(terms.values())).sum()


def sigmoid(x: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-x)))


def softmax(x: np.ndarray) -> np.ndarray:
    return np.asarray(np.exp(x) / np.exp(x).sum(axis=0))


def iou(a: Box, b: Box) -> float:
    """``box_iou`` of cxcywh boxes."""
    sides = [
        min(a[i] + a[i + 2] / 2, b[i] + b[i + 2] / 2) - max(a[i] - a[i + 2] / 2, b[i] - b[i + 2] / 2) for i in (0, 1)
    ]
    shared = max(sides[0], 0) * max(sides[1], 0)
    return shared / (a[2] * a[3] + b[2] * b[3] - shared)


def siblings(o: RegionOptions, label: int) -> list[int]:
    assert o.tree is not None
    return [other for other, parent in enumerate(o.tree.parents) if parent == o.tree.parents[label]]


def activated(raw: np.ndarray, o: RegionOptions) -> np.ndarray:
    """The layer's ``output``: raw and result (A, 5 + K, N, M)."""
    output = raw.copy()
    for entry in (0, 1, 4):
        output[:, entry] = sigmoid(raw[:, entry])
    for k in range(len(raw)):
        if o.tree is not None:
            for label in range(len(o.tree.names)):
                group = siblings(o, label)
                output[k, 5 + np.array(group)] = softmax(raw[k, 5 + np.array(group)])
        else:
            output[k, 5:] = softmax(raw[k, 5:]) if o.softmax else sigmoid(raw[k, 5:])
    return output


def darknets_delta(
    raw: np.ndarray, truths: list[tuple[Box, int]], o: RegionOptions, seen: int, class_only: int | None = None
) -> np.ndarray:
    """``forward_region_layer`` and ``backward_region_layer`` of region_layer.c for one picture, (A, 5 + K, N, M)."""
    x = activated(raw, o)
    a, _, n, m = x.shape
    delta = np.zeros_like(x)

    def box(k: int, j: int, i: int) -> Box:
        w, h = o.anchors[k]
        return (
            (i + x[k, 0, j, i]) / m,
            (j + x[k, 1, j, i]) / n,
            math.exp(x[k, 2, j, i]) * w / m,
            math.exp(x[k, 3, j, i]) * h / n,
        )

    def delta_region_box(t: Box, k: int, j: int, i: int, scale: float) -> float:
        delta[k, 0, j, i] = scale * (t[0] * m - i - x[k, 0, j, i])
        delta[k, 1, j, i] = scale * (t[1] * n - j - x[k, 1, j, i])
        delta[k, 2, j, i] = scale * (math.log(t[2] * m / o.anchors[k][0]) - x[k, 2, j, i])
        delta[k, 3, j, i] = scale * (math.log(t[3] * n / o.anchors[k][1]) - x[k, 3, j, i])
        return iou(box(k, j, i), t)

    def delta_region_class(k: int, j: int, i: int, label: int) -> None:
        output, result = x[k, 5:, j, i], delta[k, 5:, j, i]
        if o.tree is not None:
            while label >= 0:
                for other in siblings(o, label):
                    result[other] = o.class_scale * (0 - output[other])
                result[label] = o.class_scale * (1 - output[label])
                label = o.tree.parents[label]
        elif result[0] and not o.softmax:
            result[label] = o.class_scale * (1 - output[label])
        else:
            for other in range(o.classes):
                result[other] = o.class_scale * ((other == label) - output[other])

    def through_logistic() -> np.ndarray:
        for entry in (0, 1, 4):
            delta[:, entry] *= x[:, entry] * (1 - x[:, entry])
        return delta

    if class_only is not None:
        assert o.tree is not None
        best, best_at = 0.0, (0, 0, 0)
        for k in range(a):
            for j in range(n):
                for i in range(m):
                    delta[k, 4, j, i] = o.noobject_scale * (0 - x[k, 4, j, i])
                    p, label = x[k, 4, j, i], class_only
                    while label >= 0:
                        p *= x[k, 5 + label, j, i]
                        label = o.tree.parents[label]
                    if p > best:
                        best, best_at = p, (k, j, i)
        delta_region_class(*best_at, class_only)
        k, j, i = best_at
        delta[k, 4, j, i] = o.object_scale * (0.3 - x[k, 4, j, i]) if x[k, 4, j, i] < 0.3 else 0
        delta[k, 4, j, i] = 0
        return through_logistic()
    for k in range(a):
        for j in range(n):
            for i in range(m):
                overlap = max((iou(box(k, j, i), t) for t, _ in truths), default=0)
                delta[k, 4, j, i] = 0 if overlap > o.thresh else o.noobject_scale * (0 - x[k, 4, j, i])
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
        delta[k, 4, j, i] = o.object_scale * ((overlap if o.rescore else 1) - x[k, 4, j, i])
        delta_region_class(k, j, i, o.mapped[label] if o.mapped else label)
    return through_logistic()


BOXES = [
    [(0.31, 0.4, 0.3, 0.35), (0.33, 0.45, 0.6, 0.55), (0.9, 0.1, 0.1, 0.9), (0.32, 0.41, 0.31, 0.36)],
    [(0.5, 0.5, 0.25, 0.4)],
]
"""Of two pictures; the first and the last of the first one train the same anchor."""


def check_gradient(options: RegionOptions, labels: list[list[int]], seen: int) -> None:
    generator = torch.Generator().manual_seed(3)
    raw = torch.randn(2, options.channels, 4, 5, generator=generator, dtype=torch.float64).requires_grad_()
    truths = [truth(b, c) for b, c in zip(BOXES, labels, strict=True)]
    total(region_loss(raw, truths, options, seen)).backward()  # type: ignore[no-untyped-call]
    assert raw.grad is not None
    for picture in range(2):
        values = raw[picture].detach().numpy().reshape(3, -1, 4, 5)
        pairs = list(zip(BOXES[picture], labels[picture], strict=True))
        ours = -2 * raw.grad[picture].numpy().reshape(values.shape)  # 2: the mean over the batch
        np.testing.assert_allclose(ours, darknets_delta(values, pairs, options, seen), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("seen", [0, 12_799, 12_800])
@pytest.mark.parametrize("bias_match", [True, False])
@pytest.mark.parametrize("rescore", [True, False])
def test_the_gradient_is_darknets_delta(seen: int, bias_match: bool, rescore: bool) -> None:
    options = replace(
        OPTIONS, bias_match=bias_match, rescore=rescore, coord_scale=1.5, class_scale=2, noobject_scale=0.5
    )
    check_gradient(options, [[0, 2, 1, 1], [2]], seen)


def test_the_gradient_without_a_softmax_is_darknets_delta() -> None:
    check_gradient(replace(OPTIONS, softmax=False, class_scale=2), [[0, 2, 1, 1], [2]], 12_800)


@pytest.mark.parametrize("labels", [[[4, 6, 1, 5], [2]], [[3, 6, 1, 6], [0]], [[4, 0, 1, 4], [1]]])
def test_the_gradient_with_a_tree_is_darknets_delta(labels: list[list[int]]) -> None:
    check_gradient(replace(TREE_OPTIONS, class_scale=2), labels, 12_800)


def test_the_gradient_with_a_map_is_darknets_delta() -> None:
    check_gradient(replace(TREE_OPTIONS, classes=3, mapped=(5, 1, 3)), [[0, 2, 1, 1], [2]], 12_800)


@pytest.mark.parametrize("label", range(7))
@pytest.mark.parametrize("seen", [0, 12_800])
def test_the_gradient_of_a_label_without_a_box_is_darknets_delta(label: int, seen: int) -> None:
    """The middle one of three pictures says what it shows and not where."""
    options = replace(TREE_OPTIONS, class_scale=2, noobject_scale=0.5)
    generator = torch.Generator().manual_seed(label)
    raw = torch.randn(3, options.channels, 4, 5, generator=generator, dtype=torch.float64).requires_grad_()
    truths = [truth(BOXES[0], [4, 6, 1, 5]), truth([], [], [label]), truth(BOXES[1], [2])]
    total(region_loss(raw, truths, options, seen)).backward()  # type: ignore[no-untyped-call]
    assert raw.grad is not None
    expected = [
        darknets_delta(values, list(zip(t["boxes"].tolist(), t["labels"].tolist(), strict=True)), options, seen, only)
        for values, t, only in zip(
            raw.detach().numpy().reshape(3, 3, 12, 4, 5), truths, (None, label, None), strict=True
        )
    ]
    np.testing.assert_allclose(-3 * raw.grad.numpy().reshape(3, 3, 12, 4, 5), expected, rtol=1e-4, atol=1e-6)


def test_an_anchor_that_meets_a_truth_well_is_not_pulled_to_zero() -> None:
    """One cell, two anchors; the truth is the second's, and the first happens to overlap it by more than thresh."""
    options = replace(OPTIONS, anchors=((0.9, 0.9), (1.0, 1.0)), rescore=False)
    raw = torch.zeros(1, options.channels, 1, 1, requires_grad=True)
    region_loss(raw, [truth([(0.5, 0.5, 1, 1)], [0])], options, 12_800)["objectness"].backward()  # type: ignore[no-untyped-call]
    assert raw.grad is not None
    gradient = raw.grad.view(2, 8)[:, 4]
    assert gradient[0] == 0  # IoU .81 > .6
    assert gradient[1] == pytest.approx(5 * (0.5 - 1) * 0.25)  # object_scale · (σ(0) - 1) · σ'(0)


def test_an_anchor_that_meets_a_truth_by_thresh_and_no_more_is_pulled_to_zero() -> None:
    options = replace(OPTIONS, anchors=((0.5, 1.0), (1.0, 1.0)), rescore=False, thresh=0.5, noobject_scale=2)
    raw = torch.zeros(1, options.channels, 1, 1)
    objectness = region_loss(raw, [truth([(0.5, 0.5, 1, 1)], [0])], options, 12_800)["objectness"]
    assert objectness.item() == pytest.approx(0.5 * (2 * 0.25 + 5 * 0.25))


def test_the_terms_of_one_box_are_worked_out_by_hand() -> None:
    """One cell, one anchor of 2×2 cells, raw zeros: σ = ½, the box is centred and 2×2."""
    options = replace(OPTIONS, anchors=((2.0, 2.0),), rescore=False, coord_scale=3, class_scale=2)
    raw = torch.zeros(1, options.channels, 1, 1)
    terms = region_loss(raw, [truth([(0.25, 0.5, 1.0, 0.5)], [1])], options, 12_800)
    # ½ · 3 · (2 - 1·.5) · ((.5 - .25)² + 0 + ln(1/2)² + ln(.5/2)²)
    assert terms["box"].item() == pytest.approx(2.25 * (0.0625 + math.log(2) ** 2 + math.log(4) ** 2))
    assert terms["objectness"].item() == pytest.approx(0.5 * 5 * 0.25)
    assert terms["class"].item() == pytest.approx(2 * math.log(3))
    assert terms["prior"].item() == 0


def test_rescore_asks_for_the_iou_of_the_predicted_box() -> None:
    """The box predicted is the whole picture, the truth its left half: IoU ½, which σ(0) = ½ states already."""
    raw = torch.zeros(1, 8, 1, 1)
    left_half = [truth([(0.25, 0.5, 0.5, 1.0)], [0])]
    for rescore, error in ((True, 0.5 - 0.5), (False, 1 - 0.5)):
        options = replace(OPTIONS, anchors=((1.0, 1.0),), rescore=rescore)
        objectness = region_loss(raw, left_half, options, 12_800)["objectness"]
        assert objectness.item() == pytest.approx(0.5 * 5 * error**2)


@pytest.mark.parametrize(("bias_match", "trained"), [(True, 0), (False, 1)])
def test_bias_match_compares_the_truth_with_priors_instead_of_predictions(bias_match: bool, trained: int) -> None:
    """The first prior has the truth's shape, but it is the second anchor that predicts it."""
    options = replace(OPTIONS, anchors=((0.5, 0.5), (0.25, 0.25)), bias_match=bias_match)
    raw = torch.zeros(1, 16, 1, 1)
    raw[0, [2, 3]] = -1
    raw[0, [10, 11]] = math.log(2)
    raw.requires_grad_()
    region_loss(raw, [truth([(0.5, 0.5, 0.5, 0.5)], [0])], options, 12_800)["class"].backward()  # type: ignore[no-untyped-call]
    assert raw.grad is not None
    assert raw.grad.view(2, 8)[:, 5:].abs().sum(dim=1).gt(0).tolist() == [trained == 0, trained == 1]


def test_the_warm_up_pulls_every_free_anchor_to_its_prior() -> None:
    """One cell, two anchors; the first has the truth, the second is at σ = .75 and ½, e^.5 and e^-1 anchors."""
    options = replace(OPTIONS, anchors=((1.0, 1.0), (0.2, 0.2)))
    raw = torch.zeros(1, 16, 1, 1)
    raw[0, 8:12, 0, 0] = torch.tensor([math.log(3), 0, 0.5, -1])
    terms = region_loss(raw, [truth([(0.5, 0.5, 1, 1)], [0])], options, 12_799)
    assert terms["prior"].item() == pytest.approx(0.5 * 0.01 * (0.25**2 + 0 + 0.5**2 + 1))
    assert region_loss(raw, [truth([(0.5, 0.5, 1, 1)], [0])], options, 12_800)["prior"] == 0


def test_of_two_truths_of_one_anchor_the_later_trains_it() -> None:
    raw = torch.zeros(1, OPTIONS.channels, 2, 2)
    box = (0.2, 0.2, 0.4, 0.6)
    raw[:, 5::8] = 1
    both, later = truth([box, box], [0, 2]), truth([box], [2])
    assert region_loss(raw, [both], OPTIONS, 12_800) == region_loss(raw, [later], OPTIONS, 12_800)


def test_classes_without_a_softmax_take_both_truths_of_one_anchor() -> None:
    options = replace(OPTIONS, anchors=((1.0, 1.0),), softmax=False)
    raw = torch.zeros(1, 8, 1, 1)
    raw[0, 5:, 0, 0] = torch.tensor([math.log(3), 0, math.log(4)])  # σ = 3/4, 1/2, 4/5
    whole = (0.5, 0.5, 1, 1)
    terms = region_loss(raw, [truth([whole, whole], [0, 1])], options, 12_800)
    assert terms["class"].item() == pytest.approx(-math.log(3 / 4) - math.log(1 / 2) - math.log(1 / 5))


def test_pictures_without_objects_train_objectness_alone() -> None:
    raw = torch.randn(2, OPTIONS.channels, 3, 3, generator=torch.Generator().manual_seed(0))
    terms = region_loss(raw, [truth([], []), truth([], [])], OPTIONS, 12_800)
    expected = 0.5 * raw.view(2, 3, 8, 9)[:, :, 4].sigmoid().square().sum() / 2
    assert terms["objectness"].item() == pytest.approx(expected.item())
    assert terms["box"] == terms["class"] == terms["prior"] == 0


def test_the_31st_box_is_left_out() -> None:
    """It is the very box that the first anchor predicts in the middle cell."""
    raw = torch.randn(1, OPTIONS.channels, 13, 13, generator=torch.Generator().manual_seed(0))
    raw[0, :4, 6, 6] = 0
    boxes = (torch.rand(30, 4, generator=torch.Generator().manual_seed(1)) * 0.3 + 0.1).tolist()
    labels = [i % 3 for i in range(31)]
    many, kept = truth([*boxes, (0.5, 0.5, 1 / 13, 1.5 / 13)], labels), truth(boxes, labels[:30])
    assert region_loss(raw, [many], OPTIONS, 0) == region_loss(raw, [kept], OPTIONS, 0)
