"""The names of classes in Ultralytics' data.yaml."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from lightning_app.errors import DataError
from lightning_app.text_lines import text_of

SUFFIXES = (".yaml", ".yml")
"""How the names of such files end, in small letters."""


def yaml_names(path: Path) -> tuple[str, ...]:
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


def check_once(names: Sequence[str], path: Path) -> None:
    """Raise `DataError` where a file names a class more than once."""
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise DataError(f"{path} names the class {twice[0]!r} {names.count(twice[0])} times: name each class once")
