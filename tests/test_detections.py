"""What is found, as other tools read it."""

import json
from pathlib import Path

import pytest
import torch
from faster_coco_eval import COCO, COCOeval_faster

from lightning_app.data import read_annotation
from lightning_app.detections import as_coco

BOXES = torch.tensor([[1.0, 1.0, 10.0, 20.0], [5.0, 3.0, 5.0, 3.0]])


def test_a_box_in_cocos_form_begins_at_0_and_has_as_many_pixels_as_in_vocs() -> None:
    found = {"boxes": BOXES, "scores": torch.tensor([0.5, 0.25]), "labels": torch.tensor([2, 0])}
    assert as_coco("000001", found) == [  # type: ignore[arg-type]
        {"image_id": "000001", "category_id": 3, "bbox": [0, 0, 10, 20], "score": 0.5},
        {"image_id": "000001", "category_id": 1, "bbox": [4, 2, 1, 1], "score": 0.25},
    ]


def test_true_boxes_that_are_written_in_cocos_form_are_found_whole_by_cocos_own_measure(
    shared: Path, tmp_path: Path
) -> None:
    folder = shared / "VOCdevkit/VOC2007"
    names = (folder / "ImageSets/Main/test.txt").read_text().split()[:20]
    images: list[dict[str, object]] = []
    truths: list[dict[str, object]] = []
    results: list[dict[str, object]] = []
    for number, name in enumerate(names, start=1):
        annotation = read_annotation(folder / f"Annotations/{name}.xml")
        images.append({"id": number})
        boxes, labels = torch.tensor(annotation.boxes), torch.tensor(annotation.labels)
        for (x1, y1, x2, y2), label in zip(boxes.tolist(), labels.tolist(), strict=True):
            box = [x1 - 1, y1 - 1, x2 - x1 + 1, y2 - y1 + 1]
            own = {"id": len(truths) + 1, "image_id": number, "category_id": label + 1, "iscrowd": 0}
            truths.append({**own, "bbox": box, "area": box[2] * box[3]})
        found = {"boxes": boxes, "scores": torch.ones(len(labels)), "labels": labels}
        results += [{**one, "image_id": number} for one in as_coco(name, found)]  # type: ignore[arg-type]
    truth = {"images": images, "annotations": truths, "categories": [{"id": i} for i in range(1, 21)]}
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    (tmp_path / "found.json").write_text(json.dumps(results))
    coco = COCO(str(tmp_path / "truth.json"))
    measure = COCOeval_faster(coco, coco.loadRes(str(tmp_path / "found.json")), "bbox")
    measure.run()
    assert measure.stats[0] == pytest.approx(1)
