"""A devkit small enough to write in a test."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

Box = tuple[str, tuple[float, float, float, float], int]
WriteDevkit = Callable[..., Path]


def write_picture(folder: Path, name: str, boxes: list[Box], width: int, height: int) -> None:
    rng = np.random.default_rng(int(name))
    pixels = rng.integers(0, 256, (height // 8 + 1, width // 8 + 1, 3), dtype=np.uint8)
    picture = Image.fromarray(pixels).resize((width, height))
    picture.save(folder / "JPEGImages" / f"{name}.jpg")
    objects = "".join(
        f"<object><name>{kind}</name><difficult>{difficult}</difficult><bndbox><xmin>{box[0]}</xmin>"
        f"<ymin>{box[1]}</ymin><xmax>{box[2]}</xmax><ymax>{box[3]}</ymax></bndbox></object>"
        for kind, box, difficult in boxes
    )
    size = f"<size><width>{width}</width><height>{height}</height><depth>3</depth></size>"
    (folder / "Annotations" / f"{name}.xml").write_text(f"<annotation>{size}{objects}</annotation>")


@pytest.fixture
def write_devkit(tmp_path: Path) -> WriteDevkit:
    """Write ``count`` pictures of 80×60, each with a dog and a difficult cat, as year/trainval and year/test."""

    def write(count: int = 6, year: str = "VOC2007") -> Path:
        root = tmp_path / "VOCdevkit"
        for part in ("JPEGImages", "Annotations", "ImageSets/Main"):
            (root / year / part).mkdir(parents=True)
        names = [f"{index:06d}" for index in range(1, count + 1)]
        for name in names:
            write_picture(root / year, name, [("dog", (11, 7, 41, 37), 0), ("cat", (41, 31, 61, 51), 1)], 80, 60)
        for part in ("trainval", "test"):
            (root / year / f"ImageSets/Main/{part}.txt").write_text("\n".join(names) + "\n")
        return root

    return write


@pytest.fixture
def real_devkit() -> Path:
    root = Path(__file__).parents[2].parent / "shared" / "VOCdevkit"
    if not root.is_dir():
        pytest.skip(f"the real pictures are not at {root}")
    return root
