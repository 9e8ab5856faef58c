"""Darknet's and its followers' text: one line per object, ``class x y width height``, fractions of the picture."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import yaml

from lightning_app.data.conversion.source import Findings, Labelled, files_of, paired, part_of
from lightning_app.data.conversion.xml import Box, annotation
from lightning_app.data.devkit import picture_size
from lightning_app.data.names import read_names
from lightning_app.errors import DataError
from lightning_app.progress import tracked

SLACK = 0.01
"""How far a box may leave its picture, as a fraction of it: tools round."""
DIGITS = 2
"""Decimals of a pixel that are kept: six of a fraction give no more in a picture of 10,000 pixels."""


def text_files(pictures: Sequence[PurePosixPath], folder: Path) -> dict[PurePosixPath, PurePosixPath]:
    """The .txt file of each picture that has one."""
    return paired(pictures, files_of(folder, ".txt"))[0]


def read_yolo(
    root: Path, pictures: Sequence[PurePosixPath], folder: Path, names: Path | None, findings: Findings
) -> list[Labelled]:
    """All pictures; one without a .txt file has no objects, as for Darknet.

    Args:
        root: folder of the pictures.
        pictures: relative to it.
        folder: of the .txt files.
        names: file of the classes' names, in the order of their numbers; None for that of the folder.
        findings: takes what is to be said.

    Raises:
        DataError: the names are not found.
    """
    classes = _names(root, folder) if names is None else read_names(names)
    files = text_files(pictures, folder)
    findings.note([p for p in pictures if p not in files], "picture(s) have no .txt file: they show no object")
    labelled = []
    small = []
    for picture in tracked(pictures, "Reading annotations", len(pictures)):
        try:
            height, width = picture_size(root / picture)
            found = [] if picture not in files else read_boxes(folder / files[picture], classes, width, height)
        except DataError as error:
            findings.faults.append(str(error))
            continue
        boxes = [box for box in (box.inside(width, height) for box in found) if box is not None]
        small += [picture] * (len(found) - len(boxes))
        xml = annotation(picture.name, width, height, boxes)
        labelled.append(Labelled(picture, xml, frozenset(box.name for box in boxes), part_of(picture)))
    findings.note(small, "box(es) are no wider or no higher than a pixel and are left out")
    return labelled


def read_boxes(path: Path, classes: Sequence[str], width: int, height: int) -> list[Box]:
    """The boxes of one file; of a polygon the box around it.

    Args:
        path: of the file.
        classes: names, in the order of their numbers.
        width: of the picture, in pixels.
        height: of the picture, in pixels.

    Raises:
        DataError: a line is none of an object.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read as YOLO text: {error}") from error
    return [
        _box(f"{path}:{number}", line.split(), classes, width, height)
        for number, line in enumerate(lines, start=1)
        if line.strip()
    ]


def _box(where: str, words: Sequence[str], classes: Sequence[str], width: int, height: int) -> Box:
    try:
        label, values = int(words[0]), [float(word) for word in words[1:]]
    except ValueError:
        raise DataError(
            f"{where}: an object is `class x y width height`, five numbers, not {' '.join(words)!r}"
        ) from None
    if not 0 <= label < len(classes):
        raise DataError(
            f"{where}: class {label} has no name, there are {len(classes)}: give them all as --classes FILE"
        )
    if len(values) == 4:
        x, y, w, h = values
        edges = [x - w / 2, y - h / 2, x + w / 2, y + h / 2]
    elif len(values) >= 6 and len(values) % 2 == 0:
        edges = [min(values[::2]), min(values[1::2]), max(values[::2]), max(values[1::2])]
    else:
        raise DataError(f"{where}: an object is `class x y width height`, five numbers, not {len(words)}")
    if not all(-SLACK <= edge <= 1 + SLACK for edge in edges):  # nor NaN
        raise DataError(f"{where}: the box leaves the picture: its numbers must be fractions of it, from 0 to 1")
    left, top, right, bottom = (
        round(edge * side, DIGITS) for edge, side in zip(edges, (width, height) * 2, strict=True)
    )
    return Box(classes[label], left, top, right, bottom)


def _names(root: Path, folder: Path) -> tuple[str, ...]:
    """The classes' names of a data.yaml, a classes.txt or a .names file."""
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
    """``names`` of Ultralytics' data.yaml, a list or numbered; none of another file."""
    try:
        names = (yaml.safe_load(path.read_text(encoding="utf-8-sig")) or {}).get("names", ())
        ordered = [names[number] for number in range(len(names))]
    except (OSError, UnicodeDecodeError, yaml.YAMLError, AttributeError, KeyError, TypeError):
        return ()
    return tuple(str(name) for name in ordered)
