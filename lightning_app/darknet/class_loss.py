"""The class terms of a region head: a softmax, each class by itself, or a tree.

Source: Darknet's ``src/region_layer.c`` (``delta_region_class``), whose ``delta`` is minus their gradient.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from lightning_app.darknet.assign import Assignment, class_targets, keep, latest
from lightning_app.darknet.head import Head
from lightning_app.darknet.region import RegionOptions
from lightning_app.darknet.tree import NONE, WordTree


def class_term(head: Head, assigned: Assignment, region: RegionOptions) -> Tensor:
    """Cross-entropy of the classes of every anchor that a truth trains, summed.

    Of two truths of one anchor a softmax takes the later; classes that are each by themselves take both; a tree takes
    both as far as they part, and the later of two siblings.
    """
    if region.tree is not None:
        labels = tree_labels(assigned.labels, region)
        return tree_term(head.classes[assigned.where], assigned.which, labels, region.tree)
    if region.softmax:
        last = keep(assigned, latest(assigned.which))
        return F.cross_entropy(head.classes[last.where], last.labels, reduction="sum")
    return logistic_term(head, assigned)


def logistic_term(head: Head, assigned: Assignment) -> Tensor:
    """Binary cross-entropy of every class of every anchor that a truth trains, summed."""
    once = latest(assigned.which)
    targets = class_targets(assigned, head.classes.shape[-1])[once]  # (U, K)
    return F.binary_cross_entropy_with_logits(head.classes[keep(assigned, once).where], targets, reduction="sum")


def tree_term(logits: Tensor, which: Tensor, labels: Tensor, tree: WordTree) -> Tensor:
    """Cross-entropy in each group on the paths of labels, summed.

    Args:
        logits: (T, K) of an anchor each.
        which: (T,) the number of the anchor.
        labels: (T,) class numbers of the tree.
        tree: the hierarchy.
    """
    path = tree.paths.to(labels.device)[labels]  # (T, L)
    row, level = torch.nonzero(path != NONE, as_tuple=True)
    step = path[row, level]
    groups = tree.group.to(labels.device)[step]
    last = latest(torch.unique(which[row] * len(tree.names) + groups, return_inverse=True)[1])
    return -tree.log_softmax(logits)[row[last], step[last]].sum()


def tree_labels(labels: Tensor, region: RegionOptions) -> Tensor:
    """Labels (T,) as classes of the tree."""
    return torch.tensor(region.mapped, device=labels.device)[labels] if region.mapped else labels
