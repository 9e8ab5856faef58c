"""What a folder holds that was given as a devkit, so that an error can say what to type instead."""

import json
from collections.abc import Sequence
from pathlib import Path

import yaml

from lightning_app.data.annotation import VOC_CLASSES, named_classes

PARTS = ("train", "val", "trainval", "test")
"""The image sets that are no lists of single classes."""
SURVEYED = 1000
"""Annotations of a devkit that are read, at most, to name its classes in an error."""


def set_names(root: Path) -> list[str]:
    """The image sets of a devkit, such as ``VOC2007/test``."""
    lists = sorted(root.glob("*/ImageSets/Main/*.txt"))
    return [f"{path.parents[2].name}/{path.stem}" for path in lists if path.stem in PARTS]


def sets_found(root: Path) -> str | None:
    """The sets and classes of a devkit, and the options that take them; None where there is no set."""
    names = set_names(root)
    if not names:
        return None
    train = [name for name in names if name.endswith("/trainval")]
    train = train or [name for name in names if name.endswith("/train")] or names
    test = [name for name in names if name.endswith("/test")]
    test = test or [name for name in names if name.endswith("/val")] or names
    sets = [f"--data.{part} {as_option(of)}" for part, of in (("train", train), ("val", test), ("test", test))]
    return f"it has {', '.join(names)}: give {' '.join(sets)}{_classes(root)}"


def _classes(root: Path) -> str:
    """The option for the classes, where they are not VOC's."""
    paths = sorted(root.glob("*/Annotations/*.xml"))[:SURVEYED]
    classes = sorted({name for path in paths for name in named_classes(path)})
    return "" if set(classes) <= set(VOC_CLASSES) else f" --data.classes {as_option(classes)}"


def as_option(names: Sequence[str]) -> str:
    """Names as they are typed behind an option that takes a list.

    >>> print(as_option(["cat", "no"]))
    '["cat", "no"]'
    """
    text = f"[{','.join(names)}]"
    try:
        plain = yaml.safe_load(text) == list(names)
    except yaml.YAMLError:
        plain = False
    return f'"{text}"' if plain else f"'{json.dumps(list(names), ensure_ascii=False)}'"


def remedy(root: Path, year: str = "VOC2007") -> str:
    """What to give instead of a folder without sets."""
    if (root / "ImageSets/Main").is_dir():
        return f"give the folder that holds it, {root.absolute().parent}"
    return (
        f"give the folder that holds {year}, usually VOCdevkit; `dfc data convert {root} -o data/own` makes a devkit "
        "of pictures with .xml files, YOLO text or COCO JSON"
    )
