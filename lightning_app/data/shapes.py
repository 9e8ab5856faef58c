"""A small detection set that this program draws itself, for tests, demonstrations and quick experiments."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lightning_app.data.painting import Shape, paint
from lightning_app.errors import DataError, OptionError
from lightning_app.progress import tracked

YEAR = "Shapes"
RECORD = "shapes.json"  # beside the pictures: what they were drawn with
VERSION = 1  # of the drawing: raised whenever the same parameters give other pictures

OBJECT = """\
  <object>
    <name>{name}</name>
    <difficult>{difficult:d}</difficult>
    <bndbox><xmin>{box[0]}</xmin><ymin>{box[1]}</ymin><xmax>{box[2]}</xmax><ymax>{box[3]}</ymax></bndbox>
  </object>
"""
ANNOTATION = """\
<annotation>
  <folder>Shapes</folder>
  <filename>{name}.jpg</filename>
  <size><width>{side}</width><height>{side}</height><depth>3</depth></size>
{objects}</annotation>
"""


def draw(root: str | Path, train_pictures: int, test_pictures: int, seed: int = 0, side: int = 160) -> Path:
    """Draw the set as a VOC devkit, unless it is there already; the same arguments give the same bytes.

    It is drawn into a temporary folder and renamed, so that it is there whole or not at all.

    Args:
        root: the devkit to make; the pictures go to its folder Shapes.
        train_pictures: number of pictures to train on, at least 1.
        test_pictures: number of pictures to test on, at least 1.
        seed: of the drawing, at least 0.
        side: of a picture in pixels, at least 64.

    Returns:
        The folder Shapes.

    Raises:
        DataError: a folder Shapes is there that this program has not drawn, or has drawn otherwise.
    """
    check_drawing(train_pictures, test_pictures, seed, side)
    record = {"version": VERSION, "train": train_pictures, "test": test_pictures, "seed": seed, "side": side}
    folder = Path(root) / YEAR
    if not _is_drawn(folder, record):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".shapes-", dir=folder.parent) as temporary:
            fresh = Path(temporary) / YEAR
            _draw_into(fresh, record)
            _put_in_place(fresh, folder, record)
    return folder


def _put_in_place(fresh: Path, folder: Path, record: dict[str, int]) -> None:
    try:
        fresh.rename(folder)
    except OSError:
        # Another process may have drawn the same set meanwhile; the bytes are the same.
        if not _is_drawn(folder, record):
            raise


def _is_drawn(folder: Path, record: dict[str, int]) -> bool:
    """Whether the set is there as recorded. Nothing else is replaced: another run may be reading it."""
    if not folder.exists():
        return False
    try:
        there = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise DataError(f"{folder} was not drawn by this program: remove it, or give another root") from None
    if there != record:
        old = there if isinstance(there, dict) else {}
        differences = [
            f"{name} {old.get(name)} and not {value}" for name, value in record.items() if old.get(name) != value
        ]
        raise DataError(
            f"{folder} was drawn with {', '.join(differences)}. It is not replaced: remove it, or give another root"
        )
    return True


def _draw_into(folder: Path, record: dict[str, int]) -> None:
    for part in ("JPEGImages", "Annotations", "ImageSets/Main"):
        (folder / part).mkdir(parents=True)
    names = [f"{index:06d}" for index in range(record["train"] + record["test"])]
    for index, name in enumerate(tracked(names, "Drawing pictures", len(names))):
        rng = np.random.default_rng(np.random.SeedSequence((record["seed"], index), spawn_key=(2,)))
        picture, shapes = paint(rng, record["side"])
        # Full colour resolution: the set's own compression must not be what limits the accuracy.
        picture.save(folder / "JPEGImages" / f"{name}.jpg", quality=95, subsampling=0)
        (folder / "Annotations" / f"{name}.xml").write_text(_annotation(name, record["side"], shapes), "utf-8")
    for part, ids in (("train", names[: record["train"]]), ("test", names[record["train"] :])):
        (folder / f"ImageSets/Main/{part}.txt").write_text("".join(f"{name}\n" for name in ids), "utf-8")
    (folder / RECORD).write_text(json.dumps(record) + "\n", "utf-8")


def _annotation(name: str, side: int, shapes: Sequence[Shape]) -> str:
    objects = (OBJECT.format(name=item.name, difficult=item.difficult, box=item.box) for item in shapes)
    return ANNOTATION.format(name=name, side=side, objects="".join(objects))


def check_drawing(train_pictures: int, test_pictures: int, seed: int, side: int) -> None:
    """Refuse what `draw` does not draw, as it says it.

    Raises:
        OptionError: a number is too small.
    """
    if min(train_pictures, test_pictures) < 1:
        raise OptionError(f"there must be at least 1 picture in each set, not {train_pictures} and {test_pictures}")
    if seed < 0 or side < 64:
        raise OptionError(f"seed must be at least 0 and side at least 64 pixels, not {seed} and {side}")
