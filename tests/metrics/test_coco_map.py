"""COCO's mean average precision: against faster-coco-eval as it stands, and its rules by hand."""

import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from faster_coco_eval import COCO, COCOeval_faster
from torch import Tensor

from lightning_app.errors import OptionError
from lightning_app.metrics import COCOMeanAveragePrecision

Box = tuple[float, ...]
Found = tuple[Box, float, int]  # box, score, label
Truth = tuple[Box, int, bool]  # box, label, difficult
Pair = tuple[list[Found], list[Truth]]
MakePair = Callable[..., tuple[dict[str, Tensor], dict[str, Any]]]
Coco = Callable[..., tuple[float, float]]

HERE, THERE, AWAY = (1, 1, 10, 10), (101, 1, 110, 10), (201, 1, 210, 10)


@pytest.fixture
def coco(pair: MakePair) -> Coco:
    """``map_coco`` and ``map75`` of pictures, in any order and in batches of any size."""

    def measured(
        pictures: list[Pair], classes: int = 1, order: list[int] | None = None, batch: int = 3
    ) -> tuple[float, float]:
        metric = COCOMeanAveragePrecision([str(k) for k in range(classes)])
        order = list(range(len(pictures))) if order is None else order
        for start in range(0, len(order), batch):
            pairs = [pair(*pictures[index], index) for index in order[start : start + batch]]
            metric.update([prediction for prediction, _ in pairs], [target for _, target in pairs])
        result = metric.compute()
        assert result["map_coco"].dtype == torch.float64
        return result["map_coco"].item(), result["map75"].item()

    return measured


def summary(pictures: list[Pair], classes: int) -> tuple[float, float]:
    """COCO's summary with all its parameters as they come: numbers 0 and 2 of its twelve."""

    def row(box: Box, label: int, image: int, number: int) -> dict[str, Any]:
        w, h = box[2] - box[0] + 1, box[3] - box[1] + 1
        return {"id": number, "image_id": image, "category_id": label, "bbox": [box[0] - 1, box[1] - 1, w, h]}

    images = [{"id": i, "width": 999, "height": 999} for i in range(len(pictures))]
    truths = [(truth, i) for i, (_, some) in enumerate(pictures) for truth in some]
    annotations = [
        row(box, label, i, n) | {"iscrowd": int(hard), "area": (box[2] - box[0] + 1) * (box[3] - box[1] + 1)}
        for n, ((box, label, hard), i) in enumerate(truths, start=1)
    ]
    categories = [{"id": k, "name": str(k)} for k in range(classes)]
    data = COCO({"images": images, "categories": categories, "annotations": annotations})
    found = [(one, i) for i, (some, _) in enumerate(pictures) for one in some]
    results = [row(box, label, i, n) | {"score": score} for n, ((box, score, label), i) in enumerate(found, start=1)]
    evaluation = COCOeval_faster(data, data.loadRes(results), iouType="bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return evaluation.stats[0], evaluation.stats[2]


def crowded(seed: int) -> list[Pair]:
    """Pictures of overlapping boxes, equal scores and difficult objects; one has over 100 detections of a class."""
    rng = np.random.default_rng(seed)

    def box() -> Box:
        x, y, w, h = map(float, rng.integers(1, 30, 4))
        return x, y, x + w + 5, y + h + 5

    pictures = []
    for count in (*rng.integers(0, 12, 30), 260):
        truths = [(box(), int(rng.integers(3)), bool(rng.random() < 0.25)) for _ in range(rng.integers(0, 6))]
        near = [(tuple(edge + float(rng.integers(-2, 3)) for edge in one), label) for one, label, _ in truths]
        chosen = [near[int(rng.integers(len(near)))] if near else (box(), 0) for _ in range(count)]
        found = [(one, float(rng.integers(1, 65)) / 64, label) for one, label in chosen]
        pictures.append((found, truths))
    return pictures


@pytest.mark.parametrize("seed", range(6))
def test_it_is_what_coco_summarises_of_overlapping_boxes_equal_scores_and_difficult_objects(
    coco: Coco, seed: int
) -> None:
    pictures = crowded(seed)
    expected = summary(pictures, 3)
    assert 0.05 < expected[0] < 0.9
    assert coco(pictures, 3) == pytest.approx(expected, abs=1e-14)


def test_a_box_counts_at_each_of_the_ten_overlaps_that_it_reaches(coco: Coco) -> None:
    # 10 × 8 of 10 × 10 pixels: IoU .8, so that it is a hit at .5, .55 … .8, 7 of the 10, and at .75.
    assert coco([([((1, 1, 10, 8), 0.9, 0)], [(HERE, 0, False)])]) == pytest.approx((0.7, 1))
    # 10 × 7: IoU .7 is a hit at 5 of them, and not at .75.
    assert coco([([((1, 1, 10, 7), 0.9, 0)], [(HERE, 0, False)])]) == pytest.approx((0.5, 0))


def test_the_curve_is_read_at_101_levels_of_recall(coco: Coco) -> None:
    # One of two objects is found, at precision 1: levels 0, .01 … .5 are 1, 51 of them, and the rest 0.
    assert coco([([(HERE, 0.9, 0)], [(HERE, 0, False), (THERE, 0, False)])]) == pytest.approx((51 / 101, 51 / 101))


def test_a_difficult_object_is_not_waited_for_and_any_number_of_detections_may_lie_in_it(coco: Coco) -> None:
    # The three best scores lie in the difficult object; counted as false they would leave precision 1/4.
    found: list[Found] = [(HERE, 0.9, 0), (HERE, 0.8, 0), ((3, 3, 5, 5), 0.7, 0), (THERE, 0.6, 0)]
    assert coco([(found, [(HERE, 0, True), (THERE, 0, False)])]) == (1, 1)


def test_the_101st_detection_of_a_class_in_a_picture_does_not_count(coco: Coco) -> None:
    def after(others: int) -> tuple[float, float]:
        return coco([([(AWAY, 0.9, 0)] * others + [(HERE, 0.5, 0)], [(HERE, 0, False)])])

    assert after(99) == pytest.approx((0.01, 0.01))
    assert after(100) == (0, 0)


def test_neither_the_order_of_pictures_nor_one_that_is_seen_again_changes_the_last_digit(coco: Coco) -> None:
    pictures = crowded(7)
    shuffled = random.Random(0).sample(range(31), 31)
    assert coco(pictures, 3) == coco(pictures, 3, order=[*shuffled, 3, 0, 0], batch=7)


def test_classes_without_objects_are_left_out_and_without_any_it_is_nan(coco: Coco) -> None:
    # Class 1 has only a difficult object, class 2 none but a false detection.
    assert coco([([(HERE, 0.9, 0), (AWAY, 0.9, 2)], [(HERE, 0, False), (THERE, 1, True)])], classes=3) == (1, 1)
    assert coco([([], [(HERE, 0, False)])]) == (0, 0)
    assert all(map(math.isnan, coco([([(HERE, 0.9, 0)], [])])))
    assert all(map(math.isnan, coco([])))


def test_without_the_package_it_is_refused_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lightning_app.metrics.coco_map.find_spec", lambda name: None)
    with pytest.raises(OptionError, match=r"pip install 'deep-feature-compression\[coco\]'"):
        COCOMeanAveragePrecision(["a"])
