"""From the raw head to boxes: decoding by hand, suppression against a plain loop, and OpenCV's own region layer."""

import math
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lightning_app.boxes import pairwise_iou
from lightning_app.darknet import Network, RegionOptions, detect, load_weights
from lightning_app.darknet.suppress import non_maximum_suppression

OPTIONS = RegionOptions(((1.0, 2.0), (3.0, 1.0)), 2, True, True, 0.6, 5, 1, 1, 1)


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


def test_nothing_above_the_threshold_gives_empty_detections() -> None:
    (found,) = detect((torch.full((1, 14, 2, 2), -20.0),), (OPTIONS,), 0.005, 0.45)
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


def test_real_detections_are_those_of_opencvs_region_layer(shared: Path) -> None:
    """OpenCV gives a row an anchor: box, objectness, class scores, those below the cfg's thresh set to 0."""
    cfg, weights = (shared / "weights/yolo-lite" / f"tiny-yolov2-trial3{s}" for s in (".cfg", ".weights"))
    network = Network.from_cfg(cfg).eval()
    load_weights(network, weights)
    picture = cv2.imread(str(shared / "VOCdevkit/VOC2007/JPEGImages/000001.jpg"))
    assert picture is not None
    blob = cv2.dnn.blobFromImage(picture, 1 / 255, (224, 224), swapRB=True)
    net = cv2.dnn.readNetFromDarknet(str(cfg), str(weights))
    net.setInput(blob)
    rows = np.asarray(net.forward())
    with torch.no_grad():
        (found,) = detect(network(torch.from_numpy(blob)), network.heads, 0.3, 1.0)
    place, label = np.nonzero(rows[:, 5:] > 0.3)
    order = np.argsort(-rows[place, 5 + label])
    ours = torch.cat((found["boxes"], found["scores"][:, None]), dim=1).numpy()
    sure = rows[place, 4] > 0.5  # where OpenCV's own objectness threshold has not cut
    x, y, w, h = rows[place[order]][:, :4].T
    theirs = np.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2, rows[place, 5 + label][order]], axis=1)
    assert sure.all()
    assert len(theirs) > 0
    for row in theirs:
        assert np.abs(ours - row).max(axis=1).min() < 1e-4
