"""The metric against the devkit transcribed with exact tenths of recall, and against COCO where the rules agree."""

import math
import random
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from defusedxml import ElementTree
from faster_coco_eval import COCO, COCOeval_faster
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

VOC = Path(__file__).parents[2].parent / "shared" / "VOCdevkit" / "VOC2007"
Box = tuple[float, ...]
Found = tuple[Box, float, int]  # box, score, label
Truth = tuple[Box, int, bool]  # box, label, difficult
Pair = tuple[list[Found], list[Truth]]
Measure = Callable[..., dict[str, Tensor]]
Separated = Callable[[int, int, int], list[Pair]]


def voc_ap(pictures: list[Pair], label: int) -> tuple[float, float]:
    """VOCevaldet.m and VOCap.m line by line, without arrays; recall in whole numbers, and its levels exact tenths."""
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
def test_it_computes_what_a_plain_transcription_of_the_devkit_with_exact_tenths_does(
    measure: Measure, pictures: list[Pair], mix: random.Random
) -> None:
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


@pytest.mark.parametrize("seed", range(5))
def test_it_computes_what_coco_does_at_the_same_levels_where_the_rules_agree(
    measure: Measure, separated: Separated, seed: int
) -> None:
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
def test_the_real_annotations_given_as_detections_reach_one(measure: Measure) -> None:
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
