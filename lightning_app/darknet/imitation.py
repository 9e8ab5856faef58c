"""How far the heads of a student are from those of its teacher, without any label.

Soft targets as of Hinton, Vinyals and Dean, "Distilling the knowledge in a neural network" (2015); every anchor counts
by the teacher's objectness, so that the background does not drown the objects (Chen et al., "Learning efficient object
detection models with knowledge distillation", 2017). Every term is 0 where the student gives what the teacher gives.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from lightning_app.darknet.build import HeadOptions
from lightning_app.darknet.head import Head, take_apart
from lightning_app.darknet.region import RegionOptions
from lightning_app.darknet.tree import WordTree
from lightning_app.darknet.yolo import YoloOptions

FLOOR = 0.02
"""Weight of an anchor in which the teacher sees nothing; that of a certain object is 1 more."""

NEAR = 1e-6
"""How near to 0 and 1 a head's values are told apart where it is given no logits."""


def imitation_terms(
    raws: Sequence[Tensor], teachers: Sequence[Tensor], heads: Sequence[HeadOptions]
) -> dict[str, Tensor]:
    """The terms of all heads, for each object that the teacher sees.

    They are sums over all anchors of the batch, divided by the sum of the anchors' weights: so a network of many
    anchors and one of few have losses of one scale, against which other terms can be weighed.

    Args:
        raws: the student's outputs, each (B, A·(5 + K), N, M).
        teachers: the teacher's, of the same shapes; no gradient reaches them.
        heads: the options of each head, the same for both.

    Returns:
        ``objectness``, the cross-entropy with the teacher's objectness less its minimum; ``box``, the squared
        differences of σ(tx), σ(ty), tw, th, without the uncertainties of a ``[Gaussian_yolo]``; ``class``, the
        Kullback–Leibler divergence of the classes. In the last two each anchor has the weight of the teacher's
        objectness + `FLOOR`.
    """
    by_head = [
        _head_terms(raw, teacher.detach(), options) for raw, teacher, options in zip(raws, teachers, heads, strict=True)
    ]
    sums = {name: torch.stack([terms[name] for terms in by_head]).sum() for name in by_head[0]}
    weight = sums.pop("weight")
    return {name: term / weight for name, term in sums.items()}


def _head_terms(raw: Tensor, teacher: Tensor, options: HeadOptions) -> dict[str, Tensor]:
    student, target = (_as_logits(take_apart(one, options), options) for one in (raw, teacher))
    weight = target.objectness.sigmoid() + FLOOR  # (B, A, N, M)
    terms = {
        "objectness": logistic_divergence(student.objectness, target.objectness),
        "box": weight * _box_distance(student, target),
        "class": weight * class_divergence(student.classes, target.classes, options),
        "weight": weight,
    }
    return {name: term.sum() for name, term in terms.items()}


def _as_logits(head: Head, options: HeadOptions) -> Head:
    """A head that is given values of 0 to 1 as one of logits; its sizes stay half the roots of what they are."""
    if not (isinstance(options, YoloOptions) and options.new_coords):
        return head
    logits = (part.logit(eps=NEAR) for part in (head.xy, head.objectness, head.classes))
    xy, objectness, classes = logits
    return head._replace(xy=xy, objectness=objectness, classes=classes)


def _box_distance(student: Head, target: Head) -> Tensor:
    """(B, A, N, M) squared differences in cells and in logarithms of the size."""
    error = (student.xy.sigmoid() - target.xy.sigmoid()).square() + (student.wh - target.wh).square()
    return error.sum(dim=-1)


def class_divergence(student: Tensor, teacher: Tensor, options: HeadOptions) -> Tensor:
    """Kullback–Leibler divergence of the classes, (...), from logits (..., K).

    Args:
        student: logits of the student.
        teacher: logits of the teacher.
        options: whether one class excludes the others, each is by itself, or they stand in a tree.
    """
    if isinstance(options, RegionOptions) and options.tree is not None:
        return tree_divergence(student, teacher, options.tree)
    if isinstance(options, RegionOptions) and options.softmax:
        expected = teacher.log_softmax(dim=-1)
        return (expected.exp() * (expected - student.log_softmax(dim=-1))).sum(dim=-1)
    return logistic_divergence(student, teacher).sum(dim=-1)


def logistic_divergence(student: Tensor, teacher: Tensor) -> Tensor:
    """Kullback–Leibler divergence of σ(student) from σ(teacher), of each logit by itself, in the same shape."""
    expected = teacher.sigmoid()
    entropy = F.binary_cross_entropy_with_logits(teacher, expected, reduction="none")
    return F.binary_cross_entropy_with_logits(student, expected, reduction="none") - entropy


def tree_divergence(student: Tensor, teacher: Tensor, tree: WordTree) -> Tensor:
    """Kullback–Leibler divergence of the leaves of a tree, (...), from logits (..., K).

    By the chain rule it is that of every group of siblings, times the teacher's probability of their parent.
    """
    conditional = tree.log_softmax(teacher)  # (..., K)
    absolute = tree.log_products(conditional)  # (..., K): of the class itself, which its group's parent is part of
    return (absolute.exp() * (conditional - tree.log_softmax(student))).sum(dim=-1)
