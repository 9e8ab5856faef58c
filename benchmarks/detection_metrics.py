"""VOC's metric and its bootstrap on as many boxes as VOC2007's test set gives, against faster-coco-eval and hotcoco."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from faster_coco_eval import COCO, COCOeval_faster

from benchmarks.clock import cpu, in_turns, pairwise, wall
from benchmarks.rows import Row
from lightning_app.metrics import VOCMeanAveragePrecision
from lightning_app.statistics import draw_counts, resampled_map

HOTCOCO = "hotcoco"
PICTURES, BOXES, CLASSES, BATCH, RESAMPLES = 4952, 100, 20, 16, 1000
PEERS = (("faster-coco-eval", 1.0), (f"{HOTCOCO} from dicts", 1.0), (f"{HOTCOCO} from an array", 2.0))
"""Each with the times as long that ours may take."""
Pair = tuple[dict[str, Any], dict[str, Any]]


def run(shared: Path, output: Path) -> list[Row]:  # noqa: ARG001
    """The mAP of boxes in memory, and 1,000 resamples of it."""
    pairs = [_picture(index) for index in range(PICTURES)]
    truths, found = _as_coco(pairs)
    torch.set_num_threads(1)
    ways = {"ours": lambda: _ours(pairs), "faster-coco-eval": lambda: _faster_coco_eval(truths, found)}
    seconds = in_turns({**ways, **_hotcocos(truths, found)}, turns=5, clock=cpu)
    outcomes = _ours(pairs).outcomes()
    counts = draw_counts(PICTURES, RESAMPLES, seed=0)
    bootstrap = wall(lambda: resampled_map(outcomes, CLASSES, counts))
    size = f"{PICTURES:,} pictures × {BOXES} boxes"
    return [
        *(_map_row(size, *peer, seconds) for peer in PEERS),
        Row(
            f"bootstrap of {RESAMPLES:,} resamples on the same",
            "60 s on one core",
            "s",
            bootstrap,
            60,
            bootstrap / 60,
            "≤",
            1,
        ),
    ]


def _map_row(size: str, peer: str, most: float, seconds: Mapping[str, list[float]]) -> Row:
    what, ours = f"VOC mAP on {size} × {CLASSES} classes, CPU time of one thread", min(seconds["ours"])
    if peer not in seconds:
        return Row(what, peer, "s", ours, 0, 0, note=f"{HOTCOCO} is not installed: pip install {HOTCOCO}==1.3.0")
    theirs = seconds[peer]
    return Row(what, f"{peer}, at IoU .5", "s", ours, min(theirs), pairwise(seconds["ours"], theirs), "≤", most)


def _picture(index: int) -> Pair:
    """Up to five objects, and a hundred boxes of which a few are near them."""
    rng = np.random.default_rng(index)
    objects = int(rng.integers(1, 6))
    corners, sides = rng.uniform(1, 300, (objects, 2)), rng.uniform(30, 200, (objects, 2))
    boxes = np.concatenate([corners, corners + sides], axis=1)
    labels = rng.integers(CLASSES, size=objects)
    of = rng.integers(objects, size=BOXES)
    spread = np.where(rng.random((BOXES, 1)) < 0.05, 5, 60)
    near = boxes[of] + rng.normal(size=(BOXES, 4)) * spread
    near = np.concatenate([near[:, :2], np.maximum(near[:, 2:], near[:, :2] + 2)], axis=1)
    drawn = np.where(rng.random(BOXES) < 0.3, labels[of], rng.integers(CLASSES, size=BOXES))
    prediction = {
        "boxes": torch.tensor(near, dtype=torch.float32),
        "scores": torch.tensor(rng.random(BOXES), dtype=torch.float32),
        "labels": torch.tensor(drawn),
    }
    target = {
        "boxes": torch.tensor(boxes, dtype=torch.float32),
        "labels": torch.tensor(labels),
        "difficult": torch.zeros(objects, dtype=torch.bool),
        "index": index,
    }
    return prediction, target


def _ours(pairs: list[Pair]) -> VOCMeanAveragePrecision:
    metric = VOCMeanAveragePrecision([str(label) for label in range(CLASSES)])
    for start in range(0, len(pairs), BATCH):
        predictions, targets = zip(*pairs[start : start + BATCH], strict=True)
        metric.update(predictions, targets)
    metric.compute()
    return metric


def _as_coco(pairs: list[Pair]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The same pictures as COCO's JSON has them: not timed."""
    annotations: list[dict[str, Any]] = []
    found: list[dict[str, Any]] = []
    for prediction, target in pairs:
        for box, label in zip(_xywh(target["boxes"]), target["labels"].tolist(), strict=True):
            annotation = {"image_id": target["index"], "category_id": label, "bbox": box, "area": box[2] * box[3]}
            annotations.append({**annotation, "id": len(annotations) + 1, "iscrowd": 0})
        scores, labels = prediction["scores"].tolist(), prediction["labels"].tolist()
        for box, score, label in zip(_xywh(prediction["boxes"]), scores, labels, strict=True):
            found.append({"image_id": target["index"], "category_id": label, "bbox": box, "score": score})
    images = [{"id": index} for index in range(len(pairs))]
    categories = [{"id": label, "name": str(label)} for label in range(CLASSES)]
    return {"images": images, "annotations": annotations, "categories": categories}, found


def _xywh(boxes: torch.Tensor) -> list[list[float]]:
    rows: list[list[float]] = torch.cat((boxes[:, :2], boxes[:, 2:] - boxes[:, :2] + 1), dim=1).tolist()
    return rows


def _faster_coco_eval(truths: dict[str, Any], found: list[dict[str, Any]]) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        data = COCO(truths)
        _at_one_iou(COCOeval_faster(data, data.loadRes(found), iouType="bbox"))


def _hotcocos(truths: dict[str, Any], found: list[dict[str, Any]]) -> dict[str, Callable[[], object]]:
    """COCO's rule in Rust, from the dicts of COCO's JSON and from an array (D, 7); nothing where it is absent."""
    if find_spec(HOTCOCO) is None:
        return {}
    os.environ["RAYON_NUM_THREADS"] = "1"  # read when its threads start
    hotcoco = import_module(HOTCOCO)
    rows = np.array([[one["image_id"], *one["bbox"], one["score"], one["category_id"]] for one in found])  # (D, 7)

    def evaluate(results: object) -> None:
        data = hotcoco.COCO(truths)
        _at_one_iou(hotcoco.COCOeval(data, data.loadRes(results), "bbox"))

    ways = {"dicts": found, "an array": rows}
    return {f"{HOTCOCO} from {name}": partial(evaluate, results) for name, results in ways.items()}


def _at_one_iou(evaluation: Any) -> None:
    evaluation.params.iouThrs = [0.5]
    evaluation.params.areaRng, evaluation.params.areaRngLbl = [[0, 1e10]], ["all"]
    evaluation.params.maxDets = [BOXES]
    evaluation.evaluate()
    evaluation.accumulate()
