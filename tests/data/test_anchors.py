"""Anchors by k-means over the shapes of boxes."""

import numpy as np
import pytest

from lightning_app.data.anchors import find_anchors, mean_overlap

SHAPES = np.array([[1.0, 1.0], [2.0, 6.0], [8.0, 3.0]])


def boxes(count: int, spread: float = 0.05) -> np.ndarray:
    rng = np.random.default_rng(1)
    return np.repeat(SHAPES, count, axis=0) * rng.normal(1, spread, (3 * count, 2))


def test_the_shapes_that_the_boxes_have_are_found_from_small_to_large() -> None:
    found = find_anchors(boxes(200), 3)
    assert found == pytest.approx(SHAPES, rel=0.03)
    assert mean_overlap(boxes(200), found) > 0.9


def test_large_boxes_weigh_no_more_than_small_ones() -> None:
    # By the distance of widths and heights the small shapes would share one anchor, and the large ones have two.
    small = np.array([[1.0, 1.0], [1.0, 3.0]]).repeat(50, axis=0)
    large = np.array([[100.0, 100.0], [110.0, 100.0]]).repeat(50, axis=0)
    found = find_anchors(np.concatenate([small, large]), 3)
    assert found.tolist() == [[1, 1], [1, 3], [105, 100]]


def test_the_same_boxes_give_the_same_anchors() -> None:
    spread = boxes(100, 0.5)
    spread = spread[(spread > 0).all(axis=1)]
    assert np.array_equal(find_anchors(spread, 5), find_anchors(spread, 5))
    assert mean_overlap(spread, find_anchors(spread, 5)) > mean_overlap(spread, find_anchors(spread, 3))


def test_fewer_different_boxes_than_anchors_are_the_anchors() -> None:
    assert find_anchors(np.array([[4.0, 2.0]] * 9), 2).tolist() == [[4, 2], [4, 2]]
    assert find_anchors(SHAPES[:2], 3).tolist() == [[1, 1], [1, 1], [2, 6]]


def test_small_boxes_are_met_better_by_their_own_anchors_than_by_those_of_yolov2() -> None:
    rng = np.random.default_rng(0)
    small = rng.uniform(0.02, 0.15, (400, 2)) * 13  # in cells
    voc = np.array([[1.3221, 1.73145], [3.19275, 4.00944], [5.05587, 8.09892], [9.47112, 4.84053], [11.2364, 10.0071]])
    assert mean_overlap(small, find_anchors(small, 5)) > mean_overlap(small, voc) + 0.2
