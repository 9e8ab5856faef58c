"""The rule line by line, what the result may not depend on, and what is refused."""

import math
import random
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from lightning_app.errors import DataError, OptionError
from lightning_app.metrics import VOCMeanAveragePrecision

Box = tuple[float, ...]
Found = tuple[Box, float, int]  # box, score, label
Truth = tuple[Box, int, bool]  # box, label, difficult
Pair = tuple[list[Found], list[Truth]]
Measure = Callable[..., dict[str, Tensor]]
Separated = Callable[[int, int, int], list[Pair]]  # seed, truths a class, classes
MakePair = Callable[..., tuple[dict[str, Tensor], dict[str, Any]]]

HERE, THERE, AWAY = (1, 1, 10, 10), (101, 1, 110, 10), (201, 1, 210, 10)


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return all(torch.equal(one[key].nan_to_num(-1), other[key].nan_to_num(-1)) for key in one.keys() | other.keys())


# One test for each line of the rule.


def test_widths_are_inclusive_so_a_half_covered_box_is_a_hit(measure: Measure) -> None:
    # With + 1: 10 × 5 of 10 × 10 pixels, IoU 50/100 = .5. Without: 9 × 4 of 9 × 9, .444.
    assert measure([([((1, 1, 10, 5), 0.9, 0)], [(HERE, 0, False)])])["map"].item() == 1
    # 49 of 100 pixels: a miss.
    assert measure([([((1, 1, 7, 7), 0.9, 0)], [(HERE, 0, False)])])["map"].item() == 0


def test_boxes_that_touch_in_one_column_of_pixels_overlap(measure: Measure) -> None:
    # Columns 1–1 and 1–2 of one row share one of two pixels: IoU .5; without + 1 they have no area at all.
    assert measure([([((1, 1, 1, 1), 0.9, 0)], [((1, 1, 2, 1), 0, False)])])["map"].item() == 1


def test_a_detection_is_judged_by_the_truth_it_overlaps_most_even_if_that_is_taken(measure: Measure) -> None:
    # Truths: columns 1–10 and 3–12. The second detection, columns 1–11, overlaps the first truth by 10/11 and the
    # second, still free, by 9/12. VOC: a second hit on the first truth, so false. COCO would give it the second truth.
    truths: list[Truth] = [((1, 1, 10, 10), 0, False), ((3, 1, 12, 10), 0, False)]
    found: list[Found] = [((1, 1, 10, 10), 0.9, 0), ((1, 1, 11, 10), 0.8, 0)]
    result = measure([(found, truths)])
    # Precision 1, 1/2 at recall 1/2, 1/2: levels 0 … .5 are 1, the rest 0.
    assert result["map"].item() == pytest.approx(6 / 11, abs=1e-15)
    assert result["map_area"].item() == 0.5


def test_of_two_truths_overlapped_equally_the_first_is_meant(measure: Measure) -> None:
    truths: list[Truth] = [((1, 1, 10, 10), 0, False), ((3, 1, 12, 10), 0, True)]
    assert measure([([((2, 1, 11, 10), 0.9, 0)], truths)])["map"].item() == 1
    assert measure([([((2, 1, 11, 10), 0.9, 0), (AWAY, 0.1, 0)], truths[::-1])])["map"].item() == 0


def test_a_second_hit_on_one_truth_is_a_false_positive(measure: Measure) -> None:
    # By falling score: hit, second hit, hit. Precision 1, 1/2, 2/3 at recall 1/2, 1/2, 1.
    result = measure([([(HERE, 0.9, 0), (HERE, 0.8, 0), (THERE, 0.7, 0)], [(HERE, 0, False), (THERE, 0, False)])])
    assert result["map"].item() == pytest.approx((6 * 1 + 5 * 2 / 3) / 11, abs=1e-15)
    assert result["map_area"].item() == pytest.approx((1 + 2 / 3) / 2, abs=1e-15)


def test_the_hit_goes_to_the_higher_score_and_not_to_the_better_box(measure: Measure) -> None:
    # The worse box, IoU 8/10, has the higher score: hit at rank 1, so precision 1 at recall 1.
    shifted = (1, 1, 8, 10)
    assert measure([([(HERE, 0.5, 0), (shifted, 0.9, 0)], [(HERE, 0, False)])])["map"].item() == 1


def test_detections_of_a_difficult_truth_are_neither_hits_nor_false(measure: Measure) -> None:
    # The three best scores are on the difficult truth; counted as false they would leave precision 1/4.
    found: list[Found] = [(HERE, 0.9, 0), (HERE, 0.8, 0), (HERE, 0.7, 0), (THERE, 0.6, 0)]
    result = measure([(found, [(HERE, 0, True), (THERE, 0, False)])])
    assert result["map"].item() == 1  # and recall is 1: the difficult truth is not waited for
    assert result["map_area"].item() == 1


def test_a_difficult_truth_overlapped_most_shields_from_a_free_one(measure: Measure) -> None:
    # The detection overlaps the difficult truth by 1 and the other, which it could hit, by 8/12.
    found: list[Found] = [((1, 1, 10, 10), 0.9, 0), (AWAY, 0.8, 0)]
    result = measure([(found, [((1, 1, 10, 10), 0, True), ((3, 1, 12, 10), 0, False)])])
    assert result["map"].item() == 0


def test_only_truths_of_the_class_are_looked_at(measure: Measure) -> None:
    # The truth of the other class overlaps by 1 and would shield, being difficult; the one of the class by 8/12.
    truths: list[Truth] = [((1, 1, 10, 10), 1, True), ((3, 1, 12, 10), 0, False)]
    assert measure([([((1, 1, 10, 10), 0.9, 0)], truths)], classes=2)["map"].item() == 1
    # The other way round, nothing of the class is there to be hit.
    result = measure([([(HERE, 0.9, 1)], [(HERE, 0, False), (THERE, 1, False)])], classes=2)
    assert result["ap"].tolist() == [0, 0]


def test_detections_of_all_pictures_are_ranked_together(measure: Measure) -> None:
    # By score: .9 false (picture 1), .8 hit (picture 0), .7 hit (picture 1). Precision 0, 1/2, 2/3 at recall 0, 1/2, 1.
    pictures: list[Pair] = [
        ([(HERE, 0.8, 0)], [(HERE, 0, False)]),
        ([(AWAY, 0.9, 0), (HERE, 0.7, 0)], [(HERE, 0, False)]),
    ]
    result = measure(pictures)
    assert result["map"].item() == pytest.approx(2 / 3, abs=1e-15)  # the envelope is 2/3 everywhere
    assert result["map_area"].item() == pytest.approx(2 / 3, abs=1e-15)
    assert result["images"].item() == 2


def test_eleven_points_and_area_differ_as_worked_by_hand(measure: Measure) -> None:
    # Three truths, found at ranks 1 and 3, the third never. Precision 1, 1/2, 2/3 at recall 1/3, 1/3, 2/3.
    found: list[Found] = [(HERE, 0.9, 0), ((301, 1, 310, 10), 0.8, 0), (THERE, 0.7, 0)]
    result = measure([(found, [(HERE, 0, False), (THERE, 0, False), (AWAY, 0, False)])])
    # Levels 0, .1, .2, .3: 1. Levels .4, .5, .6: 2/3. Levels .7 … 1: 0.
    assert result["map"].item() == pytest.approx((4 + 3 * 2 / 3) / 11, abs=1e-15)  # 6/11 = .545
    assert result["map_area"].item() == pytest.approx((1 + 2 / 3) / 3, abs=1e-15)  # 5/9 = .556


# What the result may not depend on.


def test_the_order_of_pictures_and_batches_does_not_change_the_last_digit(
    measure: Measure, separated: Separated
) -> None:
    pictures = separated(9, 60, 3)
    first = measure(pictures, classes=3)
    shuffled = random.Random(0).sample(range(60), 60)
    assert same(first, measure(pictures, classes=3, order=shuffled, batch=7))


def test_a_picture_seen_again_counts_once(measure: Measure, separated: Separated) -> None:
    pictures = separated(4, 8, 2)
    again = [*range(8), 3, 0, 0, 7]
    assert same(measure(pictures, classes=2), measure(pictures, classes=2, order=again))


def test_two_different_views_of_a_picture_are_not_mixed(pair: MakePair) -> None:
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


def test_scores_are_told_apart_to_the_last_bit_of_float32(measure: Measure) -> None:
    found: list[Found] = [(AWAY, 0.5, 0), (HERE, 0.5 + 2**-24, 0)]
    assert measure([(found, [(HERE, 0, False)])])["map"].item() == 1


def test_scores_below_zero_are_in_order_and_zero_has_no_sign(measure: Measure) -> None:
    below: list[Found] = [(AWAY, -2.0, 0), (HERE, -1.0, 0)]
    assert measure([(below, [(HERE, 0, False)])])["map"].item() == 1
    equal: list[Found] = [(AWAY, -0.0, 0), (HERE, 0.0, 0)]
    assert measure([(equal, [(HERE, 0, False)])])["map"].item() == 0.5  # the first in the picture is the first


def test_half_precision_scores_and_boxes_are_read_exactly(pair: MakePair) -> None:
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


def test_large_picture_numbers_survive_a_half_precision_model(pair: MakePair) -> None:
    metric = VOCMeanAveragePrecision(["a"])
    torch.nn.ModuleList([metric]).to(torch.float16)
    assert metric.dtype == torch.float32  # of the empty state that a rank without pictures gathers
    for index in (4096, 4097, 2**24 - 1):
        prediction, target = pair([(HERE, 0.9, 0)], [(HERE, 0, False)], index)
        metric.update([prediction], [target])
    assert metric.compute()["images"].item() == 3


# Sets without something, and what is refused.


def test_classes_without_a_truth_are_nan_and_left_out_of_the_mean(measure: Measure) -> None:
    # Class 1 has only a difficult truth, class 2 none but a false detection.
    result = measure([([(HERE, 0.9, 0), (AWAY, 0.9, 2)], [(HERE, 0, False), (THERE, 1, True)])], classes=3)
    assert str(result["ap"].tolist()) == "[1.0, nan, nan]"
    assert result["map"].item() == result["map_area"].item() == 1
    assert result["map"].dtype == result["ap"].dtype == torch.float64


def test_truths_without_detections_are_zero(measure: Measure) -> None:
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
    pair: MakePair, found: list[Found], truths: list[Truth], index: int, message: str
) -> None:
    prediction, target = pair(found, truths, index)
    metric = VOCMeanAveragePrecision(["a", "b"])
    with pytest.raises(DataError, match=message):
        metric.update([prediction], [target])
    assert metric.compute()["images"].item() == 0  # nothing of a refused batch is kept


def test_lengths_that_do_not_agree_are_refused(pair: MakePair) -> None:
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


def test_the_threshold_is_an_option(pair: MakePair) -> None:
    for threshold, expected in ((0.8, 1), (0.81, 0)):
        metric = VOCMeanAveragePrecision(["a"], iou_threshold=threshold)
        prediction, target = pair([((1, 1, 8, 10), 0.9, 0)], [(HERE, 0, False)], 0)  # IoU 80/100
        metric.update([prediction], [target])
        assert metric.compute()["map"].item() == expected
