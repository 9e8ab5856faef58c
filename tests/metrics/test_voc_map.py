import math
import random
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from defusedxml import ElementTree
from faster_coco_eval import COCO, COCOeval_faster
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from lightning_app.errors import DataError, OptionError
from lightning_app.metrics import VOCMeanAveragePrecision

VOC = Path(__file__).parents[2].parent / "shared" / "VOCdevkit" / "VOC2007"
Box = tuple[float, ...]
Found = tuple[Box, float, int]  # box, score, label
Truth = tuple[Box, int, bool]  # box, label, difficult
Pair = tuple[list[Found], list[Truth]]

HERE, THERE, AWAY = (1, 1, 10, 10), (101, 1, 110, 10), (201, 1, 210, 10)


def pair(found: list[Found], truths: list[Truth], index: int) -> tuple[dict[str, Tensor], dict[str, Any]]:
    return (
        {
            "boxes": torch.tensor([box for box, _, _ in found], dtype=torch.float32).reshape(-1, 4),
            "scores": torch.tensor([score for _, score, _ in found], dtype=torch.float32),
            "labels": torch.tensor([label for _, _, label in found], dtype=torch.long),
        },
        {
            "boxes": torch.tensor([box for box, _, _ in truths], dtype=torch.float32).reshape(-1, 4),
            "labels": torch.tensor([label for _, label, _ in truths], dtype=torch.long),
            "difficult": torch.tensor([difficult for _, _, difficult in truths], dtype=torch.bool),
            "index": index,
        },
    )


def measure(
    pictures: list[Pair], classes: int = 1, order: list[int] | None = None, batch: int = 3
) -> dict[str, Tensor]:
    metric = VOCMeanAveragePrecision([str(k) for k in range(classes)])
    order = list(range(len(pictures))) if order is None else order
    for start in range(0, len(order), batch):
        pairs = [pair(*pictures[index], index) for index in order[start : start + batch]]
        metric.update([prediction for prediction, _ in pairs], [target for _, target in pairs])
    return metric.compute()


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return all(torch.equal(one[key].nan_to_num(-1), other[key].nan_to_num(-1)) for key in one.keys() | other.keys())


# One test for each line of the rule.


def test_widths_are_inclusive_so_a_half_covered_box_is_a_hit() -> None:
    # With + 1: 10 × 5 of 10 × 10 pixels, IoU 50/100 = .5. Without: 9 × 4 of 9 × 9, .444.
    assert measure([([((1, 1, 10, 5), 0.9, 0)], [(HERE, 0, False)])])["map"].item() == 1
    # 49 of 100 pixels: a miss.
    assert measure([([((1, 1, 7, 7), 0.9, 0)], [(HERE, 0, False)])])["map"].item() == 0


def test_boxes_that_touch_in_one_column_of_pixels_overlap() -> None:
    # Columns 1–1 and 1–2 of one row share one of two pixels: IoU .5; without + 1 they have no area at all.
    assert measure([([((1, 1, 1, 1), 0.9, 0)], [((1, 1, 2, 1), 0, False)])])["map"].item() == 1


def test_a_detection_is_judged_by_the_truth_it_overlaps_most_even_if_that_is_taken() -> None:
    # Truths: columns 1–10 and 3–12. The second detection, columns 1–11, overlaps the first truth by 10/11 and the
    # second, still free, by 9/12. VOC: a second hit on the first truth, so false. COCO would give it the second truth.
    truths: list[Truth] = [((1, 1, 10, 10), 0, False), ((3, 1, 12, 10), 0, False)]
    found: list[Found] = [((1, 1, 10, 10), 0.9, 0), ((1, 1, 11, 10), 0.8, 0)]
    result = measure([(found, truths)])
    # Precision 1, 1/2 at recall 1/2, 1/2: levels 0 … .5 are 1, the rest 0.
    assert result["map"].item() == pytest.approx(6 / 11, abs=1e-15)
    assert result["map_area"].item() == 0.5


def test_of_two_truths_overlapped_equally_the_first_is_meant() -> None:
    truths: list[Truth] = [((1, 1, 10, 10), 0, False), ((3, 1, 12, 10), 0, True)]
    assert measure([([((2, 1, 11, 10), 0.9, 0)], truths)])["map"].item() == 1
    assert measure([([((2, 1, 11, 10), 0.9, 0), (AWAY, 0.1, 0)], truths[::-1])])["map"].item() == 0


def test_a_second_hit_on_one_truth_is_a_false_positive() -> None:
    # By falling score: hit, second hit, hit. Precision 1, 1/2, 2/3 at recall 1/2, 1/2, 1.
    result = measure([([(HERE, 0.9, 0), (HERE, 0.8, 0), (THERE, 0.7, 0)], [(HERE, 0, False), (THERE, 0, False)])])
    assert result["map"].item() == pytest.approx((6 * 1 + 5 * 2 / 3) / 11, abs=1e-15)
    assert result["map_area"].item() == pytest.approx((1 + 2 / 3) / 2, abs=1e-15)


def test_the_hit_goes_to_the_higher_score_and_not_to_the_better_box() -> None:
    # The worse box, IoU 8/10, has the higher score: hit at rank 1, so precision 1 at recall 1.
    shifted = (1, 1, 8, 10)
    assert measure([([(HERE, 0.5, 0), (shifted, 0.9, 0)], [(HERE, 0, False)])])["map"].item() == 1


def test_detections_of_a_difficult_truth_are_neither_hits_nor_false() -> None:
    # The three best scores are on the difficult truth; counted as false they would leave precision 1/4.
    found: list[Found] = [(HERE, 0.9, 0), (HERE, 0.8, 0), (HERE, 0.7, 0), (THERE, 0.6, 0)]
    result = measure([(found, [(HERE, 0, True), (THERE, 0, False)])])
    assert result["map"].item() == 1  # and recall is 1: the difficult truth is not waited for
    assert result["map_area"].item() == 1


def test_a_difficult_truth_overlapped_most_shields_from_a_free_one() -> None:
    # The detection overlaps the difficult truth by 1 and the other, which it could hit, by 8/12.
    found: list[Found] = [((1, 1, 10, 10), 0.9, 0), (AWAY, 0.8, 0)]
    result = measure([(found, [((1, 1, 10, 10), 0, True), ((3, 1, 12, 10), 0, False)])])
    assert result["map"].item() == 0


def test_only_truths_of_the_class_are_looked_at() -> None:
    # The truth of the other class overlaps by 1 and would shield, being difficult; the one of the class by 8/12.
    truths: list[Truth] = [((1, 1, 10, 10), 1, True), ((3, 1, 12, 10), 0, False)]
    assert measure([([((1, 1, 10, 10), 0.9, 0)], truths)], classes=2)["map"].item() == 1
    # The other way round, nothing of the class is there to be hit.
    result = measure([([(HERE, 0.9, 1)], [(HERE, 0, False), (THERE, 1, False)])], classes=2)
    assert result["ap"].tolist() == [0, 0]


def test_detections_of_all_pictures_are_ranked_together() -> None:
    # By score: .9 false (picture 1), .8 hit (picture 0), .7 hit (picture 1). Precision 0, 1/2, 2/3 at recall 0, 1/2, 1.
    pictures: list[Pair] = [
        ([(HERE, 0.8, 0)], [(HERE, 0, False)]),
        ([(AWAY, 0.9, 0), (HERE, 0.7, 0)], [(HERE, 0, False)]),
    ]
    result = measure(pictures)
    assert result["map"].item() == pytest.approx(2 / 3, abs=1e-15)  # the envelope is 2/3 everywhere
    assert result["map_area"].item() == pytest.approx(2 / 3, abs=1e-15)
    assert result["images"].item() == 2


def test_eleven_points_and_area_differ_as_worked_by_hand() -> None:
    # Three truths, found at ranks 1 and 3, the third never. Precision 1, 1/2, 2/3 at recall 1/3, 1/3, 2/3.
    found: list[Found] = [(HERE, 0.9, 0), ((301, 1, 310, 10), 0.8, 0), (THERE, 0.7, 0)]
    result = measure([(found, [(HERE, 0, False), (THERE, 0, False), (AWAY, 0, False)])])
    # Levels 0, .1, .2, .3: 1. Levels .4, .5, .6: 2/3. Levels .7 … 1: 0.
    assert result["map"].item() == pytest.approx((4 + 3 * 2 / 3) / 11, abs=1e-15)  # 6/11 = .545
    assert result["map_area"].item() == pytest.approx((1 + 2 / 3) / 3, abs=1e-15)  # 5/9 = .556


def test_a_recall_of_three_tenths_reaches_the_level_of_three_tenths() -> None:
    # In floats 3 · .1 > 3/10, and level .3 would fall to 0: 3/11 in place of 4/11.
    truths: list[Truth] = [((1, 20 * k + 1, 10, 20 * k + 10), 0, False) for k in range(10)]
    result = measure([([(box, 0.9, 0) for box, _, _ in truths[:3]], truths)])
    assert result["map"].item() == pytest.approx(4 / 11, abs=1e-15)


# Against an independent transcription, and against COCO's evaluator where the rules agree.


def voc_ap(pictures: list[Pair], label: int) -> tuple[float, float]:
    """VOCevaldet.m and VOCap.m line by line, without arrays; hits and recall in whole numbers."""
    positives = sum(1 for _, truths in pictures for _, k, difficult in truths if k == label and not difficult)
    if positives == 0:
        return math.nan, math.nan
    taken: set[tuple[int, int]] = set()
    true = false = 0
    curve: list[tuple[Fraction, Fraction]] = []  # recall, precision
    ranked = [
        (-score, i, d, box)
        for i, (found, _) in enumerate(pictures)
        for d, (box, score, k) in enumerate(found)
        if k == label
    ]
    for _, i, _, bb in sorted(ranked):
        best, chosen = -math.inf, -1
        for j, (gt, k, _) in enumerate(pictures[i][1]):
            if k != label:
                continue
            iw = min(bb[2], gt[2]) - max(bb[0], gt[0]) + 1
            ih = min(bb[3], gt[3]) - max(bb[1], gt[1]) + 1
            if iw > 0 and ih > 0:
                union = (bb[2] - bb[0] + 1) * (bb[3] - bb[1] + 1) + (gt[2] - gt[0] + 1) * (gt[3] - gt[1] + 1) - iw * ih
                if iw * ih / union > best:
                    best, chosen = iw * ih / union, j
        if best >= 0.5:
            if pictures[i][1][chosen][2]:
                continue
            if (i, chosen) in taken:
                false += 1
            else:
                true += 1
                taken.add((i, chosen))
        else:
            false += 1
        curve.append((Fraction(true, positives), Fraction(true, true + false)))
    levels = [max((p for r, p in curve if r >= Fraction(k, 10)), default=Fraction(0)) for k in range(11)]
    recalls = [Fraction(0), *(r for r, _ in curve)]
    area = sum((b - a) * max(p for r, p in curve if r >= b) for a, b in pairwise(recalls) if b > a)
    return float(sum(levels) / 11), float(area)


corner = st.integers(1, 8)
side = st.integers(-2, 8)  # a box may be turned inside out
boxes = st.tuples(corner, corner, side, side).map(lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3]))
true_boxes = st.tuples(corner, corner, st.integers(0, 8), st.integers(0, 8)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)
labels = st.integers(0, 1)
detections = st.lists(st.tuples(boxes, st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), labels), max_size=12)
annotations = st.lists(st.tuples(true_boxes, labels, st.booleans()), max_size=5)


@settings(max_examples=300, deadline=None)
@given(pictures=st.lists(st.tuples(detections, annotations), min_size=1, max_size=4), mix=st.randoms())
def test_it_computes_what_a_plain_transcription_of_the_devkit_does(pictures: list[Pair], mix: random.Random) -> None:
    order = list(range(len(pictures)))
    mix.shuffle(order)
    result = measure(pictures, classes=2, order=order, batch=2)
    expected = [voc_ap(pictures, label) for label in range(2)]
    assert result["ap"].tolist() == pytest.approx([ap for ap, _ in expected], abs=1e-14, nan_ok=True)
    assert result["ap_area"].tolist() == pytest.approx([area for _, area in expected], abs=1e-14, nan_ok=True)


def coco_ap(pictures: list[Pair], classes: int, levels: list[float]) -> Any:
    """COCO's precision (recall levels, classes) at IoU .5; widths are given one larger, as VOC's are."""

    def annotation(box: Box, label: int, image: int, number: int) -> dict[str, Any]:
        w, h = box[2] - box[0] + 1, box[3] - box[1] + 1
        place = {"id": number, "image_id": image, "category_id": label, "iscrowd": 0}
        return {**place, "bbox": [box[0], box[1], w, h], "area": w * h}

    truths = [(box, label, i) for i, (_, gts) in enumerate(pictures) for box, label, _ in gts]
    found = [(box, label, i, score) for i, (dts, _) in enumerate(pictures) for box, score, label in dts]
    data = COCO(
        {
            "images": [{"id": i, "width": 999, "height": 999} for i in range(len(pictures))],
            "categories": [{"id": k, "name": str(k)} for k in range(classes)],
            "annotations": [annotation(*truth, n + 1) for n, truth in enumerate(truths)],
        }
    )
    rows = [annotation(box, label, i, n + 1) | {"score": score} for n, (box, label, i, score) in enumerate(found)]
    evaluation = COCOeval_faster(data, data.loadRes(rows), iouType="bbox")
    params = evaluation.params
    params.iouThrs, params.recThrs, params.maxDets = np.array([0.5]), np.array(levels), [1000]
    params.areaRng, params.areaRngLbl = [[0, 1e10]], ["all"]
    evaluation.evaluate()
    evaluation.accumulate()
    return evaluation.eval["precision"][0, :, :, 0, 0]


def separated(seed: int, truths_a_class: int, classes: int) -> list[Pair]:
    """Pictures in which VOC's and COCO's rules agree: nothing is difficult and no detection reaches two truths."""
    rng = np.random.default_rng(seed)
    pictures: list[Pair] = [([], []) for _ in range(truths_a_class)]
    for label in range(classes):
        for place in rng.choice(truths_a_class * 4, truths_a_class, replace=False):
            found, truths = pictures[int(place) // 4]
            x, y, w, h = 100.0 * (place % 4) + 1, 100.0 * label + 1, *map(float, rng.integers(20, 60, 2))
            truths.append(((x, y, x + w, y + h), label, False))
            for _ in range(rng.integers(0, 4)):
                dx, dy, dw, dh = map(float, rng.integers(-9, 10, 4))
                found.append(
                    ((x + dx, y + dy, x + dx + w + dw, y + dy + h + dh), float(rng.integers(1, 33)) / 32, label)
                )
    return pictures


@pytest.mark.parametrize("seed", range(5))
def test_it_computes_what_coco_does_at_the_same_levels_where_the_rules_agree(seed: int) -> None:
    n, classes = 37, 3
    pictures = separated(seed, n, classes)
    result = measure(pictures, classes)
    # COCO reads the same envelope at any levels of recall: eleven give VOC's mean (a hair lower, for its floats)…
    eleven = coco_ap(pictures, classes, [k / 10 - 1e-9 for k in range(11)])
    assert 0.2 < eleven.mean() < 0.9
    assert result["ap"].tolist() == pytest.approx(eleven.mean(axis=0).tolist(), abs=1e-12)
    # …and one in the middle of each of the n steps that recall can take gives the area, exactly.
    steps = coco_ap(pictures, classes, [(k + 0.5) / n for k in range(n)])
    assert result["ap_area"].tolist() == pytest.approx(steps.mean(axis=0).tolist(), abs=1e-12)


@pytest.mark.skipif(not VOC.is_dir(), reason="../shared/VOCdevkit is not there")
def test_the_real_annotations_given_as_detections_reach_one() -> None:
    names: dict[str, int] = {}
    pictures: list[Pair] = []
    for line in (VOC / "ImageSets" / "Main" / "test.txt").read_text().split():
        truths: list[Truth] = []
        for item in ElementTree.parse(VOC / "Annotations" / f"{line}.xml").findall("object"):
            label = names.setdefault(str(item.findtext("name")), len(names))
            box = tuple(float(item.findtext(f"bndbox/{key}") or "nan") for key in ("xmin", "ymin", "xmax", "ymax"))
            truths.append((box, label, item.findtext("difficult") == "1"))
        pictures.append(([(box, 1.0, label) for box, label, _ in truths], truths))
    result = measure(pictures, classes=20, batch=16)
    assert len(names) == 20
    assert result["images"].item() == 357
    assert result["ap"].tolist() == [1] * 20
    assert result["map"].item() == result["map_area"].item() == 1


# What the result may not depend on.


def test_the_order_of_pictures_and_batches_does_not_change_the_last_digit() -> None:
    pictures = separated(seed=9, truths_a_class=60, classes=3)
    first = measure(pictures, classes=3)
    shuffled = random.Random(0).sample(range(60), 60)
    assert same(first, measure(pictures, classes=3, order=shuffled, batch=7))


def test_a_picture_seen_again_counts_once() -> None:
    pictures = separated(seed=4, truths_a_class=8, classes=2)
    again = [*range(8), 3, 0, 0, 7]
    assert same(measure(pictures, classes=2), measure(pictures, classes=2, order=again))


def test_two_different_views_of_a_picture_are_not_mixed() -> None:
    # In one view the hit stands first, in the other second: mixed they would be two hits on one truth.
    target: list[Truth] = [(HERE, 0, False)]
    one, other = pair([(HERE, 0.9, 0)], target, 0), pair([(AWAY, 0.8, 0), (HERE, 0.7, 0)], target, 0)
    results = []
    for views in ((one, other), (other, one)):
        metric = VOCMeanAveragePrecision(["a"])
        for prediction, truth in views:
            metric.update([prediction], [truth])
        results.append(metric.compute())
    assert same(*results)
    assert results[0]["images"].item() == 1
    assert results[0]["map"].item() in (1, 0.5)


def test_scores_are_told_apart_to_the_last_bit_of_float32() -> None:
    found: list[Found] = [(AWAY, 0.5, 0), (HERE, 0.5 + 2**-24, 0)]
    assert measure([(found, [(HERE, 0, False)])])["map"].item() == 1


def test_half_precision_scores_and_boxes_are_read_exactly() -> None:
    for dtype in (torch.float16, torch.bfloat16, torch.float64):
        prediction, target = pair([((1, 1, 10, 5), 0.5, 0), (AWAY, 0.25, 0)], [(HERE, 0, False)], 0)
        prediction = {
            "boxes": prediction["boxes"].to(dtype),
            "scores": prediction["scores"].to(dtype),
            "labels": prediction["labels"],
        }
        metric = VOCMeanAveragePrecision(["a"])
        metric.update([prediction], [target])
        assert metric.compute()["map"].item() == 1


def test_large_picture_numbers_survive_a_half_precision_model() -> None:
    metric = VOCMeanAveragePrecision(["a"])
    torch.nn.ModuleList([metric]).to(torch.float16)
    assert metric.dtype == torch.float32  # of the empty state that a rank without pictures gathers
    for index in (4096, 4097, 2**24 - 1):
        prediction, target = pair([(HERE, 0.9, 0)], [(HERE, 0, False)], index)
        metric.update([prediction], [target])
    assert metric.compute()["images"].item() == 3


# Sets without something, and what is refused.


def test_classes_without_a_truth_are_nan_and_left_out_of_the_mean() -> None:
    # Class 1 has only a difficult truth, class 2 none but a false detection.
    result = measure([([(HERE, 0.9, 0), (AWAY, 0.9, 2)], [(HERE, 0, False), (THERE, 1, True)])], classes=3)
    assert str(result["ap"].tolist()) == "[1.0, nan, nan]"
    assert result["map"].item() == result["map_area"].item() == 1
    assert result["map"].dtype == result["ap"].dtype == torch.float64


def test_truths_without_detections_are_zero() -> None:
    result = measure([([], [(HERE, 0, False)])])
    assert result["map"].item() == result["map_area"].item() == 0


def test_no_picture_at_all_is_nan_without_a_warning() -> None:
    metric = VOCMeanAveragePrecision(["a", "b"])
    for _ in range(2):
        result = metric.compute()
        assert math.isnan(result["map"])
        assert math.isnan(result["map_area"])
        assert result["ap"].isnan().tolist() == [True, True]
        assert result["images"].item() == 0
        metric.reset()
        metric.update([], [])


def test_pictures_with_nothing_in_them_are_counted() -> None:
    empty = {"boxes": torch.zeros(0), "scores": torch.zeros(0), "labels": torch.zeros(0, dtype=torch.long)}
    metric = VOCMeanAveragePrecision(["a"])
    metric.update([empty], [empty | {"difficult": torch.zeros(0, dtype=torch.bool), "index": 7}])
    assert metric.compute()["images"].item() == 1
    assert math.isnan(metric.compute()["map"])


@pytest.mark.parametrize(
    ("found", "truths", "index", "message"),
    [
        ([(HERE, math.nan, 0)], [], 0, "picture 0: a detection's box or score is not finite"),
        ([((1, 1, math.nan, 9), 0.5, 0)], [], 3, "picture 3: a detection's box or score is not finite"),
        ([((1, 1, math.inf, 9), 0.5, 0)], [], 0, "not finite"),
        ([], [((1, 1, math.nan, 9), 0, False)], 0, "picture 0: the box of a truth is not finite"),
        ([(HERE, 0.5, 2)], [], 0, "labels must be in 0 … 1, not 2 … 2"),
        ([(HERE, 0.5, 0)], [(HERE, -1, False)], 0, "labels must be in 0 … 1, not -1 … 0"),
        ([], [], -1, r"index must be in 0 … 2\*\*24 - 1, not -1"),
        ([], [], 2**24, "not 16777216"),
    ],
)
def test_numbers_that_would_be_counted_wrongly_are_refused(
    found: list[Found], truths: list[Truth], index: int, message: str
) -> None:
    prediction, target = pair(found, truths, index)
    metric = VOCMeanAveragePrecision(["a", "b"])
    with pytest.raises(DataError, match=message):
        metric.update([prediction], [target])
    assert metric.compute()["images"].item() == 0  # nothing of a refused batch is kept


def test_lengths_that_do_not_agree_are_refused() -> None:
    prediction, target = pair([(HERE, 0.5, 0)], [(HERE, 0, False)], 0)
    metric = VOCMeanAveragePrecision(["a"])
    with pytest.raises(DataError, match="in pairs, not 1 with 2"):
        metric.update([prediction], [target, target])
    with pytest.raises(DataError, match=r"detections must be boxes \(D, 4\)"):
        metric.update([prediction | {"scores": torch.zeros(2)}], [target])
    with pytest.raises(DataError, match=r"truths must be boxes \(G, 4\)"):
        metric.update([prediction], [target | {"difficult": torch.zeros(0, dtype=torch.bool)}])
    with pytest.raises(DataError, match=r"detections must be boxes \(D, 4\)"):
        metric.update([prediction | {"boxes": torch.zeros(1, 5)}], [target])


def test_options_out_of_their_range_are_refused() -> None:
    for threshold in (0.0, -1.0, 1.5, math.nan):
        with pytest.raises(OptionError, match="iou_threshold must be above 0 and at most 1"):
            VOCMeanAveragePrecision(["a"], iou_threshold=threshold)
    with pytest.raises(OptionError, match="classes must name"):
        VOCMeanAveragePrecision([])


def test_the_threshold_is_an_option() -> None:
    for threshold, expected in ((0.8, 1), (0.81, 0)):
        metric = VOCMeanAveragePrecision(["a"], iou_threshold=threshold)
        prediction, target = pair([((1, 1, 8, 10), 0.9, 0)], [(HERE, 0, False)], 0)  # IoU 80/100
        metric.update([prediction], [target])
        assert metric.compute()["map"].item() == expected
