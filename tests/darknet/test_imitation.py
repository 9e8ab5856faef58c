"""A student's heads are held against a teacher's: 0 where they agree, and else what the formulas say by hand."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import expit, rel_entr, softmax
from torch import Tensor

from lightning_app.darknet.head import take_apart
from lightning_app.darknet.imitation import FLOOR, imitation_terms, tree_divergence
from lightning_app.darknet.network import Network
from lightning_app.darknet.region import RegionOptions
from lightning_app.darknet.tree import WordTree
from lightning_app.darknet.yolo import YoloOptions
from lightning_app.errors import OptionError

SHAPES = Path(__file__).parents[2] / "configs/networks/shapes.cfg"
ANCHORS = ((1.0, 2.0), (3.0, 1.5))
TREE = WordTree(("a", "b", "aa", "ab", "ba", "bb", "aaa", "aab"), (-1, -1, 0, 0, 1, 1, 2, 2))
LEAVES = [3, 4, 5, 6, 7]
HEADS: list[RegionOptions | YoloOptions] = [
    RegionOptions(anchors=ANCHORS, classes=3),
    RegionOptions(anchors=ANCHORS, classes=3, softmax=False),
    RegionOptions(anchors=ANCHORS, classes=8, tree=TREE),
    YoloOptions(priors=ANCHORS, mask=(0, 1), classes=3),
]


def raw(options: Any, seed: int, images: int = 2) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 2 * torch.randn(images, options.channels, 3, 4, generator=generator)


@pytest.mark.parametrize("options", HEADS)
def test_a_student_that_gives_what_its_teacher_gives_has_nothing_left_to_learn(options: Any) -> None:
    student = raw(options, 0).requires_grad_()
    terms = imitation_terms([student], [student.detach().clone()], [options])
    assert [term.item() for term in terms.values()] == pytest.approx([0, 0, 0], abs=1e-4)
    torch.stack(list(terms.values())).sum().backward()  # type: ignore[no-untyped-call]
    assert student.grad is not None
    assert student.grad.abs().max().item() < 1e-6


@pytest.mark.parametrize("options", HEADS)
def test_every_term_is_as_worked_out_with_scipy(options: Any) -> None:
    student, teacher = raw(options, 1), raw(options, 2)
    terms = imitation_terms([student], [teacher], [options])
    s, t = (x.double().numpy().reshape(2, 2, -1, 3, 4) for x in (student, teacher))
    objectness, weight = expit(t[:, :, 4]), expit(t[:, :, 4]) + FLOOR
    xy, wh = expit(s[:, :, :2]) - expit(t[:, :, :2]), s[:, :, 2:4] - t[:, :, 2:4]
    expected = {
        "objectness": both(objectness, expit(s[:, :, 4])).sum() / weight.sum(),
        "box": (weight * ((xy**2).sum(axis=2) + (wh**2).sum(axis=2))).sum() / weight.sum(),
        "class": (weight * classes(t[:, :, 5:], s[:, :, 5:], options)).sum() / weight.sum(),
    }
    assert {name: term.item() for name, term in terms.items()} == pytest.approx(expected, rel=1e-5)


def both(expected: Any, given: Any) -> Any:
    """The divergence of something that is there or not."""
    return rel_entr(expected, given) + rel_entr(1 - expected, 1 - given)


def classes(teacher: Any, student: Any, options: Any) -> Any:
    """(B, A, N, M) of logits (B, A, K, N, M)."""
    if getattr(options, "tree", None) is not None:
        expected, given = (leaves(np.moveaxis(x, 2, -1)) for x in (teacher, student))
        return rel_entr(expected, given).sum(axis=-1)
    if getattr(options, "softmax", False):
        return rel_entr(softmax(teacher, axis=2), softmax(student, axis=2)).sum(axis=2)
    return both(expit(teacher), expit(student)).sum(axis=2)


def leaves(logits: Any) -> Any:
    """(..., 5) the probability of every leaf of `TREE`, written out."""
    a, b = np.moveaxis(softmax(logits[..., :2], axis=-1), -1, 0)
    aa, ab = np.moveaxis(softmax(logits[..., 2:4], axis=-1), -1, 0)
    ba, bb = np.moveaxis(softmax(logits[..., 4:6], axis=-1), -1, 0)
    aaa, aab = np.moveaxis(softmax(logits[..., 6:], axis=-1), -1, 0)
    return np.stack([a * ab, b * ba, b * bb, a * aa * aaa, a * aa * aab], axis=-1)


def test_the_divergence_of_a_tree_is_that_of_its_leaves_to_the_bit_of_a_double() -> None:
    generator = torch.Generator().manual_seed(3)
    student, teacher = torch.randn(2, 5, 8, dtype=torch.float64, generator=generator)
    expected = rel_entr(leaves(teacher.numpy()), leaves(student.numpy())).sum(axis=-1)
    np.testing.assert_allclose(tree_divergence(student, teacher, TREE).numpy(), expected, rtol=1e-12)


def test_the_products_up_all_paths_are_those_up_each_path() -> None:
    conditional = TREE.log_softmax(torch.randn(4, 8, generator=torch.Generator().manual_seed(4)))
    torch.testing.assert_close(TREE.log_products(conditional), TREE.log_probability(conditional, torch.arange(8)))


def test_an_anchor_where_the_teacher_sees_an_object_counts_fifty_times_one_where_it_sees_nothing() -> None:
    options = RegionOptions(anchors=ANCHORS, classes=3)
    teacher = raw(options, 5, images=1)
    objectness = teacher.view(2, 8, 3, 4)[:, 4]
    objectness[:], objectness[0] = -30.0, 30.0
    terms = []
    for anchor in (0, 1):
        student = teacher.clone()
        student.view(2, 8, 3, 4)[anchor, 2:4] += 1
        terms.append(imitation_terms([student], [teacher], [options])["box"].item())
    assert terms[0] / terms[1] == pytest.approx((1 + FLOOR) / FLOOR, rel=1e-4)


def test_heads_share_one_weight_and_no_gradient_reaches_the_teacher() -> None:
    one, two = HEADS[0], HEADS[3]
    students, teachers = [raw(one, 6), raw(two, 7)], [raw(one, 8).requires_grad_(), raw(two, 9)]
    together = imitation_terms(students, teachers, [one, two])
    assert not any(term.requires_grad for term in together.values())
    objectness = (take_apart(t, o).objectness for t, o in zip(teachers, (one, two), strict=True))
    weights = torch.stack([(logits.sigmoid() + FLOOR).sum() for logits in objectness])
    each = [imitation_terms([s], [t], [o]) for s, t, o in zip(students, teachers, (one, two), strict=True)]
    for name, term in together.items():
        expected = torch.stack([terms[name] for terms in each]) @ weights / weights.sum()
        torch.testing.assert_close(term, expected.detach())


def test_a_teacher_of_another_size_or_with_other_heads_is_refused() -> None:
    network = Network.from_cfg(SHAPES)
    network.check_teacher(Network.from_cfg(SHAPES, seed=1))
    larger, fewer, others = (Network.from_cfg(SHAPES) for _ in range(3))
    larger.size = (160, 96)
    with pytest.raises(OptionError, match=r"the teacher is made for images of 96×160 and the network for \d+×\d+"):
        network.check_teacher(larger)
    last = fewer.nodes[-1]
    fewer.nodes = (*fewer.nodes[:-1], replace(last, shape=(7, *last.shape[1:])))
    with pytest.raises(OptionError, match="the teacher has heads of 7×"):
        network.check_teacher(fewer)
    (head,) = others.heads
    assert isinstance(head, RegionOptions)
    others.heads = (replace(head, anchors=tuple((2 * w, h) for w, h in head.anchors)),)
    with pytest.raises(OptionError, match="anchors or classes differ from the network's"):
        network.check_teacher(others)


def test_the_least_of_the_objectness_term_is_zero_and_not_the_entropy() -> None:
    options = RegionOptions(anchors=((1.0, 1.0),), classes=1)
    half = torch.zeros(1, options.channels, 1, 1)
    sure = half.clone()
    sure[0, 4] = math.log(3)  # ¾
    term = imitation_terms([sure], [half], [options])["objectness"].item()
    expected = 0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(0.5 / 0.25)
    assert term == pytest.approx(expected / (0.5 + FLOOR), rel=1e-5)
