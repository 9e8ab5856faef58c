"""Five pictures of mugs and tea pots, annotated in each of the ways that ``dfc data convert`` reads."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from lightning_app.data import VOCDataset, read_names

Mark = tuple[str, int, int, int, int]
WIDTH, HEIGHT = 90, 60
NAMES = ("my mug 0.PNG", "mug 1.PNG", "mug_2.png", "3.JPG", "4.jpeg")
MARKS: dict[str, list[Mark]] = {
    name: [("mug", 10 + i, 5, 30, 40)] + [("tea pot", 50, 1, 40, 59)] * (i % 2) for i, name in enumerate(NAMES)
}
"""By picture: class, left, top, width and height in whole pixels."""


def picture(path: Path, seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def voc(marks: list[Mark]) -> str:
    objects = "".join(
        f"<object><name>{name}</name><bndbox><xmin>{x + 1}</xmin><ymin>{y + 1}</ymin><xmax>{x + w}</xmax>"
        f"<ymax>{y + h}</ymax></bndbox></object>"
        for name, x, y, w, h in marks
    )
    return f"<annotation><size><width>{WIDTH}</width><height>{HEIGHT}</height></size>{objects}</annotation>"


def yolo(marks: list[Mark]) -> str:
    return "".join(
        f"{['tea pot', 'mug'].index(name)} {(x + w / 2) / WIDTH:.6f} {(y + h / 2) / HEIGHT:.6f} {w / WIDTH:.6f} "
        f"{h / HEIGHT:.6f}\n"
        for name, x, y, w, h in marks
    )


def coco(marks: dict[str, list[Mark]]) -> dict[str, Any]:
    categories = {"tea pot": 7, "mug": 3, "cup": 4}
    return {
        "images": [{"id": i, "file_name": name, "width": WIDTH, "height": HEIGHT} for i, name in enumerate(marks)],
        "categories": [{"id": number, "name": name} for name, number in categories.items()],
        "annotations": [
            {"id": 1, "image_id": i, "category_id": categories[name], "bbox": [x, y, w, h]}
            for i, items in enumerate(marks.values())
            for name, x, y, w, h in items
        ],
    }


def write_voc(root: Path) -> None:
    (root / "annotations").mkdir()
    for name, marks in MARKS.items():
        (root / "annotations" / f"{Path(name).stem}.xml").write_text(voc(marks))


def write_yolo(root: Path) -> None:
    (root / "labels").mkdir()
    (root / "labels/classes.txt").write_text("tea pot\nmug\n")
    for name, marks in MARKS.items():
        (root / "labels" / f"{Path(name).stem}.txt").write_text(yolo(marks))


def write_coco(root: Path) -> None:
    (root / "all.json").write_text(json.dumps(coco(MARKS)))


def contents(root: Path) -> dict[str, list[tuple[str, list[float]]]]:
    """By picture and set: the classes and boxes that a training reads, in VOC's pixels."""
    classes = read_names(root / "classes.names")
    found = {}
    for part in ("train", "test"):
        data = VOCDataset(root, [f"Own/{part}"], (32, 32), classes)
        for index, name in enumerate(data.ids):
            annotation = data.read(index)[0]
            labels = [classes[label] for label in annotation.labels]
            found[f"{part} {name}"] = list(zip(labels, annotation.boxes.tolist(), strict=True))
    return found
