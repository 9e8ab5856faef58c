"""From raw heads to boxes: decoding by hand, suppression against a plain loop, and OpenCV's own heads."""

import math
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lightning_app.boxes import pairwise_iou
from lightning_app.darknet import Network, RegionOptions, WordTree, YoloOptions, detect, load_weights
from lightning_app.darknet.suppress import non_maximum_suppression
from lightning_app.errors import FeatureError
from tests.darknet.opencvs_eps import set_opencvs_eps

OPTIONS = RegionOptions(((1.0, 2.0), (3.0, 1.0)), 2, True, True, 0.6, 5, 1, 1, 1)
YOLO = YoloOptions(((9.0, 9.0), (1.0, 2.0), (3.0, 1.0)), mask=(1, 2), classes=2)
TREE = WordTree(("animal", "thing", "dog", "cat"), (-1, -1, 0, 0))
TREE_OPTIONS = replace(OPTIONS, classes=4, tree=TREE)


def logit(p: float) -> float:
    return math.log(p / (1 - p))


def test_a_box_is_decoded_as_the_paper_of_yolov2_says() -> None:
    raw = torch.full((1, 14, 2, 4), -20.0)  # 2 anchors, 2 rows, 4 columns
    raw[0, 7:14, 1, 2] = torch.tensor([0.0, math.log(3), math.log(0.5), 0.0, math.log(4), 0.0, math.log(9)])
    (found,) = detect((raw,), (OPTIONS,), score_threshold=0.2, nms_threshold=0.45)
    # Anchor 1 at row 1, column 2: centre ((2 + .5) / 4, (1 + .75) / 2), size (.5 · 3 / 4, 1 · 1 / 2).
    x, y, w, h = 0.625, 0.875, 0.375, 0.5
    assert found["boxes"].tolist() == [pytest.approx([x - w / 2, y - h / 2, x + w / 2, y + h / 2])]
    assert found["scores"].tolist() == [pytest.approx(0.8 * 0.9)]
    assert found["labels"].tolist() == [1]


def test_one_anchor_gives_a_box_for_every_class_above_the_threshold() -> None:
    raw = torch.full((1, 14, 1, 1), -20.0)
    raw[0, :7, 0, 0] = torch.tensor([0.0, 0.0, 0.0, 0.0, 20.0, math.log(0.6), math.log(0.4)])
    (found,) = detect((raw,), (OPTIONS,), score_threshold=0.3, nms_threshold=0.45)
    assert found["labels"].tolist() == [0, 1]
    assert found["scores"].tolist() == pytest.approx([0.6, 0.4])


def test_classes_without_a_softmax_are_each_by_themselves() -> None:
    raw = torch.full((1, 14, 1, 1), -20.0)
    raw[0, :7, 0, 0] = torch.tensor([0.0, 0.0, 0.0, 0.0, logit(0.5), logit(0.9), logit(0.8)])
    (found,) = detect((raw,), (replace(OPTIONS, softmax=False),), score_threshold=0.3, nms_threshold=0.45)
    assert found["labels"].tolist() == [0, 1]
    assert found["scores"].tolist() == pytest.approx([0.45, 0.4])


@pytest.mark.parametrize(("scale_x_y", "x", "y"), [(1.0, 0.625, 0.9), (1.2, 0.625, 0.93)])
def test_a_yolo_head_stretches_the_centre_and_takes_the_anchors_of_its_mask(
    scale_x_y: float, x: float, y: float
) -> None:
    """Row 1 of 2, column 2 of 4: x = (2 + ½) / 4; y = (1 + .8) / 2, or with 1.2 · .8 - .1 = .86 in place of .8."""
    raw = torch.full((1, 14, 2, 4), -20.0)
    raw[0, 7:14, 1, 2] = torch.tensor([0.0, logit(0.8), math.log(0.5), 0.0, logit(0.9), logit(0.3), logit(0.7)])
    (found,) = detect((raw,), (replace(YOLO, scale_x_y=scale_x_y),), score_threshold=0.2, nms_threshold=0.45)
    w, h = 0.375, 0.5  # .5 · 3 / 4, 1 · 1 / 2
    assert found["boxes"].tolist() == [pytest.approx([x - w / 2, y - h / 2, x + w / 2, y + h / 2])] * 2
    assert found["labels"].tolist() == [1, 0]
    assert found["scores"].tolist() == pytest.approx([0.63, 0.27])


def test_heads_of_several_kinds_and_sizes_are_suppressed_together() -> None:
    """The region head's 2×2 cells and the yolo head's one cell give the same box of class 1; the surer stays."""
    coarse, fine = torch.full((2, 14, 1, 1), -20.0), torch.full((2, 14, 2, 2), -20.0)
    coarse[1, :7, 0, 0] = torch.tensor([logit(0.25), logit(0.25), 0.0, 0.0, logit(0.6), -20.0, 20.0])
    fine[1, :7, 0, 0] = torch.tensor([0.0, 0.0, math.log(2), math.log(2), logit(0.7), -20.0, 20.0])
    fine[0, 7:14, 1, 1] = torch.tensor([0.0, 0.0, 0.0, 0.0, logit(0.9), 20.0, -20.0])
    empty, found = detect((coarse, fine), (YOLO, OPTIONS), score_threshold=0.3, nms_threshold=0.45)
    assert empty["labels"].tolist() == [0]
    assert empty["scores"].tolist() == pytest.approx([0.9])
    assert found["boxes"].tolist() == [pytest.approx([-0.25, -0.75, 0.75, 1.25])]
    assert found["scores"].tolist() == pytest.approx([0.7])
    assert found["labels"].tolist() == [1]


def tree_raw() -> torch.Tensor:
    """One cell: anchor 0 is sure of an animal, a dog at that; anchor 1 of nothing below animal."""
    raw = torch.zeros(1, 18, 1, 1)
    raw[0, :, 0, 0] = torch.tensor(
        [
            *(0, 0, 0, 0, logit(0.4), *(math.log(p) for p in (9, 1, 9, 1))),
            *(0, 0, 0, 0, logit(0.6), *(math.log(p) for p in (9, 1, 1, 1))),
        ]
    )
    return raw


def test_a_tree_gives_an_anchor_one_label_and_its_objectness_as_score() -> None:
    """.9 · (.9 · .9) = .73 > .5, so a dog; .9 · (.9 · .5) = .41, so an animal."""
    (found,) = detect((tree_raw(),), (TREE_OPTIONS,), score_threshold=0.3, nms_threshold=0.45)
    assert [TREE.names[label] for label in found["labels"]] == ["animal", "dog"]
    assert found["scores"].tolist() == pytest.approx([0.6, 0.4])
    (found,) = detect((tree_raw(),), (TREE_OPTIONS,), score_threshold=0.5, nms_threshold=0.45)
    assert [TREE.names[label] for label in found["labels"]] == ["animal"]


def test_a_map_gives_the_classes_it_names_by_their_place_in_it() -> None:
    """The map's places 0 and 1 are cat and dog: .4 · .9 · .1, .4 · .9 · .9, and twice .6 · .9 · .5."""
    options = replace(TREE_OPTIONS, classes=2, mapped=(3, 2))
    (found,) = detect((tree_raw(),), (options,), score_threshold=0.03, nms_threshold=1.0)
    assert found["labels"].tolist() == [1, 0, 1, 0]
    assert found["scores"].tolist() == pytest.approx([0.324, 0.27, 0.27, 0.036])
    (found,) = detect((tree_raw(),), (options,), score_threshold=0.28, nms_threshold=1.0)
    assert found["labels"].tolist() == [1]
    assert found["boxes"].tolist() == [pytest.approx([0, -0.5, 1, 1.5])]


@pytest.mark.parametrize("options", [OPTIONS, YOLO, TREE_OPTIONS, replace(TREE_OPTIONS, mapped=(3, 2))])
def test_nothing_above_the_threshold_gives_empty_detections(options: RegionOptions | YoloOptions) -> None:
    (found,) = detect((torch.full((1, options.channels, 2, 2), -20.0),), (options,), 0.005, 0.45)
    assert found["boxes"].shape == (0, 4)
    assert len(found["scores"]) == len(found["labels"]) == 0


coordinate = st.integers(0, 12).map(lambda i: i / 4)


@given(
    st.lists(
        st.tuples(coordinate, coordinate, st.integers(1, 8), st.integers(1, 8), st.integers(0, 5), st.integers(0, 1)),
        max_size=25,
    )
)
def test_suppression_is_darknets_plain_loop(rows: list[tuple[float, float, int, int, int, int]]) -> None:
    boxes = torch.tensor([[x, y, x + w / 4, y + h / 4] for x, y, w, h, _, _ in rows]).reshape(-1, 4)
    scores, labels = torch.tensor([r[4] / 5 for r in rows]), torch.tensor([r[5] for r in rows], dtype=torch.long)
    overlaps = pairwise_iou(boxes, boxes)
    expected: list[int] = []
    for i in sorted(range(len(rows)), key=lambda i: -rows[i][4]):
        if all(labels[i] != labels[k] or overlaps[i, k] <= 0.5 for k in expected):
            expected.append(i)
    assert non_maximum_suppression(boxes, scores, labels, 0.5).tolist() == expected


@pytest.mark.parametrize(
    ("folder", "cfg_name", "weights_name", "nms_threshold"),
    [
        ("yolo-lite", "tiny-yolov2-trial3.cfg", "tiny-yolov2-trial3.weights", 0.4),
        ("yolo-fastest", "yolo-fastest-xl-voc.cfg", "yolo-fastest-xl-voc.v1.weights", 1.0),
    ],
)
def test_real_detections_are_those_of_opencvs_heads(
    shared: Path, folder: str, cfg_name: str, weights_name: str, nms_threshold: float
) -> None:
    """OpenCV gives a row an anchor: box, objectness, class scores, 0 where it drops them.

    It drops those of an objectness below the cfg's thresh, .5 or .2, and in a region head those suppressed at .4.
    """
    cfg, weights = shared / "weights" / folder / cfg_name, shared / "weights" / folder / weights_name
    network = Network.from_cfg(cfg).eval()
    load_weights(network, weights)
    set_opencvs_eps(network)
    picture = cv2.imread(str(shared / "VOCdevkit/VOC2007/JPEGImages/000004.jpg"))
    assert picture is not None
    blob = cv2.dnn.blobFromImage(picture, 1 / 255, network.size[::-1], swapRB=True)
    net = cv2.dnn.readNetFromDarknet(str(cfg), str(weights))
    net.setInput(blob)
    rows = np.concatenate([np.asarray(head) for head in net.forward(net.getUnconnectedOutLayersNames())])
    with torch.no_grad():
        (found,) = detect(network(torch.from_numpy(blob)), network.heads, 0.5, nms_threshold)
    place, label = np.nonzero(rows[:, 5:] > 0.5)
    order = np.argsort(-rows[place, 5 + label])
    ours = torch.cat((found["boxes"], found["scores"][:, None]), dim=1).numpy()
    x, y, w, h = rows[place[order]][:, :4].T
    theirs = np.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2, rows[place, 5 + label][order]], axis=1)
    assert len(ours) == len(theirs) > 0
    for row in theirs:
        assert np.abs(ours - row).max(axis=1).min() < 1e-4


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_outputs_that_are_not_finite_are_refused_and_not_passed_over(bad: float) -> None:
    raw = torch.zeros(2, 14, 2, 4)
    raw[1, 4, 0, 0] = bad
    with pytest.raises(FeatureError, match="the network gives NaN or infinity"):
        detect((raw,), (OPTIONS,), score_threshold=0.2, nms_threshold=0.45)


def test_boxes_without_end_suppress_each_other_and_no_small_one() -> None:
    raw = torch.full((1, 14, 1, 3), -20.0)
    raw[0, 4:6] = 9.0  # all of the first class
    raw[0, 2:4, 0, :2] = 1000.0  # e^1000 is infinite
    raw[0, 4, 0, 1] = 8.0
    (found,) = detect((raw,), (OPTIONS,), score_threshold=0.2, nms_threshold=0.45)
    assert found["boxes"].isinf().all(dim=1).tolist() == [True, False]
