"""A devkit small enough to write in a test."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

WriteDevkit = Callable[..., Path]
WritePictures = Callable[..., Path]
OBJECT = (
    "<object><name>{}</name><difficult>{}</difficult><bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax>"
    "<ymax>{}</ymax></bndbox></object>"
)
OBJECTS = OBJECT.format("dog", 0, 11, 7, 41, 37) + OBJECT.format("cat", 1, 41, 31, 61, 51)


@pytest.fixture
def write_devkit(tmp_path: Path) -> WriteDevkit:
    """Write ``count`` pictures of 80×60, each with a dog and a difficult cat, as year/trainval and year/test."""

    def write(count: int = 6, year: str = "VOC2007") -> Path:
        folder = tmp_path / "VOCdevkit" / year
        for part in ("JPEGImages", "Annotations", "ImageSets/Main"):
            (folder / part).mkdir(parents=True)
        names = [f"{index:06d}" for index in range(1, count + 1)]
        for name in names:
            pixels = np.random.default_rng(int(name)).integers(0, 256, (8, 11, 3), dtype=np.uint8)
            Image.fromarray(pixels).resize((80, 60)).save(folder / "JPEGImages" / f"{name}.jpg")
            size = "<size><width>80</width><height>60</height></size>"
            (folder / "Annotations" / f"{name}.xml").write_text(f"<annotation>{size}{OBJECTS}</annotation>")
        for part in ("trainval", "test"):
            (folder / f"ImageSets/Main/{part}.txt").write_text("\n".join(names) + "\n")
        return folder.parent

    return write


@pytest.fixture
def write_pictures(tmp_path: Path) -> WritePictures:
    """Write pictures of 80×60 pixels, all different, by their names inside a folder."""

    def write(*names: str, folder: str = "pictures") -> Path:
        for place, name in enumerate(names):
            path = tmp_path / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            pixels = np.random.default_rng(place).integers(0, 256, (6, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).resize((80, 60)).save(path)
        return tmp_path / folder

    return write
