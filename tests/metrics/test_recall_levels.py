"""The two forms of VOC2007's 11 levels of recall: exact tenths, and the floats that py-faster-rcnn takes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from lightning_app.errors import DataError, OptionError
from lightning_app.metrics import VOCMeanAveragePrecision
from lightning_app.statistics import RecallLevels, check_same_levels, recall_levels, resampled_map

MakePair = Callable[..., tuple[dict[str, Tensor], dict[str, Any]]]
Box = tuple[int, int, int, int]
AWAY: Box = (500, 500, 510, 510)


def of_ten(pair: MakePair, hits: str, levels: RecallLevels) -> VOCMeanAveragePrecision:
    """One class with 10 objects; ``hits`` has a ``+`` for each hit and a ``-`` for each miss, by falling score."""
    boxes: list[Box] = [(1, 20 * k + 1, 10, 20 * k + 10) for k in range(10)]
    free = iter(boxes)
    found = [(next(free) if one == "+" else AWAY, 1 - k / 64, 0) for k, one in enumerate(hits)]
    metric = VOCMeanAveragePrecision(["only"], levels=levels)
    prediction, target = pair(found, [(box, 0, False) for box in boxes], 0)
    metric.update([prediction], [target])
    return metric


def test_a_recall_of_exactly_three_tenths_reaches_its_tenth_and_misses_its_float(pair: MakePair) -> None:
    # By falling score: hit, hit, miss, miss, hit. Precision 1, 1, 2/3, 2/4, 3/5 at recall .1, .2, .2, .2, .3.
    # Tenths: levels 0, .1, .2 are 1, level .3 is 3/5, the other seven 0: (3 + 3/5)/11 = 3.6/11 = .3273.
    assert of_ten(pair, "++--+", "tenths").compute()["map"].item() == pytest.approx(3.6 / 11, abs=1e-15)
    # Floats: np.arange(0, 1.1, .1)[3] is .30000000000000004, above 3/10 = .3, so that level .3 is 0 too: 3/11 = .2727.
    assert of_ten(pair, "++--+", "arange").compute()["map"].item() == pytest.approx(3 / 11, abs=1e-15)


@pytest.mark.parametrize("found", range(11))
def test_recalls_of_three_six_and_seven_tenths_miss_their_floats_and_no_other_does(pair: MakePair, found: int) -> None:
    # All hits come first, at precision 1: each level that the recall of found/10 reaches adds 1/11.
    tenths, floats = (of_ten(pair, found * "+", levels).compute() for levels in ("tenths", "arange"))
    assert tenths["map"].item() == pytest.approx((found + 1 if found else 0) / 11, abs=1e-15)
    assert (tenths["map"] - floats["map"]).item() == pytest.approx((found in (3, 6, 7)) / 11, abs=1e-15)
    assert tenths["map_area"] == floats["map_area"]  # the area has no levels


@pytest.mark.parametrize("objects", [*range(1, 60), 4952, 12032])
def test_levels_are_reached_as_by_whole_numbers_and_as_by_py_faster_rcnn(objects: int) -> None:
    recall = np.arange(objects + 1) / objects
    exact = [[10 * found >= k * objects for k in range(11)] for found in range(objects + 1)]
    assert (recall[:, None] >= recall_levels("tenths")).tolist() == exact
    floats = [[one >= t for t in np.arange(0.0, 1.1, 0.1)] for one in recall]
    assert (recall[:, None] >= recall_levels("arange")).tolist() == floats


@pytest.mark.parametrize("levels", ["tenths", "arange"])
def test_resamples_are_read_at_the_levels_of_the_metric(pair: MakePair, levels: RecallLevels) -> None:
    metric = of_ten(pair, "++--+", levels)
    (once,) = resampled_map(metric.outcomes(), 1, np.ones((1, 1), int), recall_levels(levels))
    assert once[0] == pytest.approx(metric.compute()["map"].item(), abs=1e-15)


def test_the_shared_case_has_the_value_of_each_form(shared: Path) -> None:
    case = json.loads((shared / "cases/recall-of-three-tenths.json").read_text())
    values = {}
    for levels in ("tenths", "arange"):
        metric = VOCMeanAveragePrecision(["only"], levels=levels)
        for number in range(10):
            found = [one for one in case["detections"] if one["picture"] == number]
            truths = [one["box"] for one in case["truths"] if one["picture"] == number]
            predicted = {
                "boxes": torch.tensor([one["box"] for one in found], dtype=torch.float32),
                "scores": torch.tensor([one["score"] for one in found]),
                "labels": torch.zeros(len(found), dtype=torch.int64),
            }
            target = {"boxes": torch.tensor(truths, dtype=torch.float32), "labels": torch.zeros(len(truths)).long()}
            metric.update([predicted], [{**target, "difficult": torch.zeros(len(truths)).bool(), "index": number}])
        values[levels] = round(100 * float(metric.compute()["map"]), 2)
    assert values == {"tenths": 32.73, "arange": 27.27}


def test_other_levels_are_refused_and_results_of_both_are_not_compared() -> None:
    with pytest.raises(OptionError, match="recall_levels must be tenths or arange, not floats"):
        VOCMeanAveragePrecision(["a"], levels="floats")  # type: ignore[arg-type]
    check_same_levels(["arange", "arange"])
    with pytest.raises(DataError, match=r"different recall levels cannot be compared \(arange, tenths\)"):
        check_same_levels(["tenths", "arange"])
