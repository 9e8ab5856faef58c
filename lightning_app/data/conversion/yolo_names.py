"""The names of YOLO's class numbers: in Ultralytics' data.yaml, in a classes.txt or in Darknet's .names."""

import re
from pathlib import Path
from typing import Any

import yaml

from lightning_app.data.conversion.source import files_of
from lightning_app.data.names import check_once, read_names
from lightning_app.errors import DataError
from lightning_app.text_lines import text_of


def find_names(root: Path, folder: Path) -> tuple[str, ...]:
    """The names of the classes, in the order of their numbers.

    Args:
        root: folder of the pictures.
        folder: of the .txt files.

    Raises:
        DataError: there is no file of names, several differ, or one is wrong.
    """
    places = dict.fromkeys([root, folder])
    found: dict[tuple[str, ...], Path] = {}
    for place in places:
        for suffix in (".yaml", ".yml"):
            for file in files_of(place, suffix):
                names = _yaml_names(place / file)
                if names:
                    found.setdefault(names, place / file)
        lists = [file for file in files_of(place, ".txt") if file.name == "classes.txt"]
        for file in [*lists, *files_of(place, ".names")]:
            found.setdefault(read_names(place / file), place / file)
    if len(found) != 1:
        what = f"has {' and '.join(map(str, found.values()))}, which differ" if found else "has no data.yaml"
        raise DataError(
            f"{root} {what}: give a file with the names of the classes, one per line in the order of "
            "their numbers, as --classes"
        )
    return next(iter(found))


def _yaml_names(path: Path) -> tuple[str, ...]:
    """``names`` of Ultralytics' data.yaml, a list or numbered from 0; none of another file.

    Raises:
        DataError: it has ``names``, and they are wrong, or key points behind its boxes.
    """
    try:
        text = text_of(path.read_bytes())
    except (OSError, ValueError):
        return ()
    if not re.search(r"^\s*['\"]?names['\"]?\s*:", text, re.MULTILINE):
        return ()
    try:
        record: Any = yaml.load(text, yaml.BaseLoader)  # noqa: S506  it makes nothing but texts: `no` is a name
    except yaml.YAMLError as error:
        raise DataError(f"{path} cannot be read as YAML: {' '.join(str(error).split())}") from error
    names = record.get("names") if isinstance(record, dict) else None
    if names is None:
        return ()
    listed = [names.get(str(n)) for n in range(len(names))] if isinstance(names, dict) else names
    ordered = [name.strip() for name in listed if isinstance(name, str)] if isinstance(listed, list) else []
    if not ordered or not all(ordered) or len(ordered) < len(listed):
        raise DataError(f"{path} must have as names a list, such as [cat, dog], or names that are numbered 0, 1, 2 …")
    if "kpt_shape" in record:
        raise DataError(f"{path} has kpt_shape: key points are not read; keep the first five numbers of each line")
    check_once(ordered, path)
    return tuple(ordered)
