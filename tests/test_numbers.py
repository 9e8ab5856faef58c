"""Numbers and pictures at the edges, through whole runs: nothing is lost without a word, and nothing is not finite."""

import math
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from lightning_app.records.points import Point, read_points

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
]

Dfc = Callable[..., tuple[int, str, str]]
CLASSES = ("circle", "columns", "rows", "star", "triangle")
BOX = (
    "<object><name>{}</name><difficult>{}</difficult><bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax>"
    "<ymax>{}</ymax></bndbox></object>"
)
MANY = "".join(BOX.format(CLASSES[i % 3], 0, 1 + 2 * i, 1 + i, 31 + 2 * i, 31 + i) for i in range(40))
PICTURES = {
    "no objects": "",
    "only difficult ones": BOX.format("star", 1, 10, 10, 60, 50),
    "more than 30": MANY,
    "no area": BOX.format("rows", 0, 20, 20, 20, 50) + BOX.format("rows", 0, 20, 20, 50, 20),
    "beyond the edges": BOX.format("circle", 0, -9, 0, 140, 100),
    "the whole picture": BOX.format("columns", 0, 1, 1, 120, 90),
    "all at one place": BOX.format("circle", 0, 30, 30, 60, 60) * 5,
}
"""Triangles are nowhere."""


@pytest.fixture
def edges(tiny: tuple[str, ...], workplace: Path) -> tuple[str, ...]:
    """Options that train and test on `PICTURES`, each 120 by 90."""
    year = workplace / "edges/VOC2007"
    for part in ("JPEGImages", "Annotations", "ImageSets/Main"):
        (year / part).mkdir(parents=True)
    for i, objects in enumerate(PICTURES.values()):
        Image.linear_gradient("L").rotate(30 * i).resize((120, 90)).save(year / f"JPEGImages/{i}.jpg")
        size = "<size><width>120</width><height>90</height></size>"
        (year / f"Annotations/{i}.xml").write_text(f"<annotation>{size}{objects}</annotation>")
    for part in ("trainval", "test"):
        (year / f"ImageSets/Main/{part}.txt").write_text("\n".join(map(str, range(len(PICTURES)))) + "\n")
    data = ("--data", "VOCDataModule", "--data.root", "edges", "--data.classes", f"[{','.join(CLASSES)}]")
    rest = ("--data.workers", "0", "--data.batch_size", "7", "--trainer.max_epochs", "1")
    return (*tiny, *data, *rest, "--model.channel.split", "max_5", "--model.channel.qps", "[lossless,37]")


def points(folder: str) -> list[Point]:
    return read_points(Path(folder) / "points.csv")


def test_pictures_at_the_edges_train_and_are_measured(dfc: Dfc, edges: tuple[str, ...]) -> None:
    status, _, err = dfc("fit", *edges, "--data.augment", "null")
    assert status == 0, err
    weights = ("--model.weights", "checkpoints/demo/plain/last.ckpt")
    status, _, err = dfc("evaluate", *edges, *weights, "--resamples", "20")
    assert status == 0, err
    measured = points("runs/evaluation")
    assert len(measured) == 3
    for point in measured:
        assert point.images == len(PICTURES)
        assert all(math.isfinite(value) for value in (point.map, point.map_area, point.kbpi, point.loss or math.nan))


@pytest.mark.parametrize(
    "objects",
    [pytest.param(PICTURES["no objects"], marks=pytest.mark.soak), PICTURES["only difficult ones"]],
    ids=["none", "difficult"],
)
def test_without_anything_to_find_map_is_no_number_and_the_rate_is_one(
    dfc: Dfc, edges: tuple[str, ...], objects: str
) -> None:
    for i in range(len(PICTURES)):
        path = Path(f"edges/VOC2007/Annotations/{i}.xml")
        path.write_text(re.sub("<object>.*</object>", "", path.read_text()).replace("</a", f"{objects}</a"))
    status, _, err = dfc("evaluate", *edges, "--resamples", "20")
    assert status == 0, err
    for point in points("runs/evaluation"):
        assert math.isnan(point.map)
        assert point.kbpi > 0


@pytest.mark.soak
def test_every_batch_size_measures_the_same(dfc: Dfc, edges: tuple[str, ...]) -> None:
    """Seven pictures: the last batch is whole, short, or the only one."""
    found = []
    for version, size in enumerate((1, 2, 3, 4, 7, 16)):
        status, _, err = dfc("test", *edges, "--data.eval_batch_size", str(size), "--model.score_threshold", "0.1")
        assert status == 0, err
        found.append([(p.images, p.map, p.map_area, p.kbpi) for p in points(f"runs/demo/plain/version_{version}")])
    for other in found[1:]:
        for one, first in zip(other, found[0], strict=True):
            assert one == pytest.approx(first, abs=2e-3, rel=2e-3)


def measured_by_precision(dfc: Dfc, options: tuple[str, ...], folder: str) -> list[tuple[Point, Point]]:
    """Every operating point in float32 and in bfloat16."""
    for precision in ("32-true", "bf16-mixed"):
        status, _, err = dfc("test", *options, "--trainer.precision", precision)
        assert status == 0, err
    both = (points(f"{folder}/version_{version}") for version in (0, 1))
    return list(zip(*both, strict=True))


def test_bfloat16_sends_what_float32_does_to_one_percent(dfc: Dfc, edges: tuple[str, ...]) -> None:
    for full, half in measured_by_precision(dfc, edges, "runs/demo/plain"):
        assert half.kbpi == pytest.approx(full.kbpi, rel=0.01)


@pytest.mark.soak
def test_bfloat16_costs_half_a_percent_of_the_rate_and_two_points_of_map_at_most_on_real_pictures(
    dfc: Dfc, shared: Path
) -> None:
    """Of 60 pictures, on which a point either way hangs on rounding alone."""
    year = Path("some/VOC2007")
    (year / "ImageSets/Main").mkdir(parents=True)
    names = (shared / "VOCdevkit/VOC2007/ImageSets/Main/test.txt").read_text().splitlines()
    (year / "ImageSets/Main/test.txt").write_text("\n".join(names[:60]))
    for part in ("JPEGImages", "Annotations"):
        (year / part).symlink_to(shared / "VOCdevkit/VOC2007" / part)
    weights = ("--model.weights", str(shared / "weights/yolo-lite/tiny-yolov2-trial3.weights"))
    options = ("-c", "configs/yolo_lite.yaml", "--data.root", "some", "--data.workers", "0", *weights)
    channel = ("--model.channel.split", "max_7", "--model.channel.qps", "[lossless,22,32]")
    for full, half in measured_by_precision(dfc, (*options, *channel), "runs/yolo_lite"):
        assert half.kbpi == pytest.approx(full.kbpi, rel=0.005)
        assert half.map == pytest.approx(full.map, abs=0.02)
        assert full.map > 0.4
