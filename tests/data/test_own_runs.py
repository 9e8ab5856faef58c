"""Thirty pictures of one class of one's own: one command makes them ready, and one trains."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

Dfc = Callable[..., tuple[int, str, str]]
SIDE = 96


def draw(root: Path) -> None:
    """Mugs in ``root``, as .PNG with .xml files in two flat folders, and a COCO JSON beside them."""
    rng = np.random.default_rng(3)
    images, annotations = [], []
    for folder in ("images", "annotations"):
        (root / folder).mkdir(parents=True)
    for i in range(30):
        name = f"my mug {i}" if i % 4 == 0 else f"mug {i}" if i < 3 else f"mug-{i:02d}"
        pixels = rng.normal(120, 40, (SIDE, SIDE, 3)).clip(0, 255).astype(np.uint8)
        picture = Image.fromarray(pixels)
        width, height = (int(side) for side in rng.integers(20, 50, 2))
        left, top = int(rng.integers(0, SIDE - width)), int(rng.integers(0, SIDE - height))
        ImageDraw.Draw(picture).ellipse((left, top, left + width - 1, top + height - 1), fill="red")
        picture.save(root / f"images/{name}.PNG")
        edges = zip(("xmin", "ymin", "xmax", "ymax"), (left + 1, top + 1, left + width, top + height), strict=True)
        bndbox = "".join(f"<{edge}>{value}</{edge}>" for edge, value in edges)
        size = f"<size><width>{SIDE}</width><height>{SIDE}</height></size>"
        text = f"<annotation>{size}<object><name>mug</name><bndbox>{bndbox}</bndbox></object></annotation>"
        (root / f"annotations/{name}.xml").write_text(text)
        images.append({"id": 100 + i, "file_name": f"{name}.PNG", "width": SIDE, "height": SIDE})
        annotations.append({"id": i, "image_id": 100 + i, "category_id": 9, "bbox": [left, top, width, height]})
    record = {"images": images, "annotations": annotations, "categories": [{"id": 9, "name": "mug"}]}
    (root / "annotations/mugs.json").write_text(json.dumps(record))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*does not have many workers")
def test_thirty_pictures_of_one_class_are_trained_on_by_two_commands_and_from_coco_to_the_same_digit(
    dfc: Dfc, workplace: Path
) -> None:
    draw(Path("my"))
    shutil.copytree("my/images", "coco/images")
    shutil.copy("my/annotations/mugs.json", "coco")
    Path("my/annotations/mugs.json").unlink()
    measured = []
    for source in ("my", "coco"):
        ready = dfc("data", "convert", source, "-o", "data/own", "--network", "configs/networks/shapes.cfg")
        assert (ready[0], ready[2]) == (0, "")
        short = ("--trainer.max_epochs", "6", "--trainer.check_val_every_n_epoch", "6", "--data.workers", "0")
        quiet = ("--trainer.enable_progress_bar", "false", "--trainer.accelerator", "cpu")
        status, _, err = dfc("fit", "-c", "configs/own.yaml", *short, *quiet)
        assert status == 0, err
        with max(Path("runs/own").glob("*/metrics.csv")).open() as file:
            rows = list(csv.DictReader(file))
        measured.append([row[name] for name in ("val/map", "train/loss") for row in rows if row[name]])
        shutil.move("data/own", f"data/{source}")
    assert measured[0] == measured[1]
    (_, *losses), steps = map(float, measured[0]), 6 * 24 // 8
    assert len(losses) == steps
    assert losses[-1] < 0.5 * losses[0]
