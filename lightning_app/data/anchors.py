"""Anchors for a set of boxes: k-means whose distance is 1 - IoU, as Darknet's ``calc_anchors`` finds them."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
STARTS = 5
"""Draws of first anchors, of which the best result is taken."""
ROUNDS = 300
"""Most steps from one draw; some ten are usual."""


def find_anchors(sizes: Floats, count: int, seed: int = 0) -> Floats:
    """The ``count`` anchors that overlap a set of boxes best, found by k-means.

    Args:
        sizes: widths and heights (G, 2) of the boxes in any unit, above 0; G is at least 1.
        count: how many anchors, at least 1.
        seed: of the first anchors, which are drawn among the boxes, far from each other.

    Returns:
        widths and heights (count, 2), from the smallest area to the largest. Some are equal where there are fewer
        different boxes than anchors.
    """
    different = np.unique(sizes, axis=0)  # (D, 2)
    if len(different) <= count:
        best = np.resize(different, (count, 2))
    else:
        rng = np.random.default_rng(seed)
        tried = [_settled(sizes, _drawn(sizes, count, rng)) for _ in range(STARTS)]
        best = max(tried, key=lambda anchors: mean_overlap(sizes, anchors))
    return best[np.argsort(best.prod(axis=1), kind="stable")]


def mean_overlap(sizes: Floats, anchors: Floats) -> float:
    """IoU of each box (G, 2) with its best anchor (A, 2), all about one centre; the mean over the boxes."""
    return float(_overlaps(sizes, anchors).max(axis=1).mean())


def _drawn(sizes: Floats, count: int, rng: np.random.Generator) -> Floats:
    """First anchors (count, 2), each the likelier the farther it is from those before (k-means++)."""
    anchors: Floats = sizes[rng.integers(len(sizes))][None]
    while len(anchors) < count:
        distances = (1 - _overlaps(sizes, anchors).max(axis=1)).clip(min=0) ** 2  # (G,)
        anchors = np.vstack([anchors, sizes[rng.choice(len(sizes), p=distances / distances.sum())]])
    return anchors


def _settled(sizes: Floats, anchors: Floats) -> Floats:
    """Each anchor becomes the mean of the boxes that it overlaps best, until no box changes its anchor."""
    nearest = np.full(len(sizes), -1)
    for _ in range(ROUNDS):
        before, nearest = nearest, _overlaps(sizes, anchors).argmax(axis=1)  # (G,)
        if np.array_equal(before, nearest):
            break
        groups = [sizes[nearest == index] for index in range(len(anchors))]
        anchors = np.array([g.mean(axis=0) if len(g) else a for g, a in zip(groups, anchors, strict=True)])
    return anchors


def _overlaps(sizes: Floats, anchors: Floats) -> Floats:
    """IoU (G, A) of boxes (G, 2) and anchors (A, 2) about one centre."""
    shared = np.minimum(sizes[:, None], anchors).prod(axis=2)  # (G, A)
    overlaps: Floats = shared / (sizes.prod(axis=1)[:, None] + anchors.prod(axis=1) - shared)
    return overlaps
