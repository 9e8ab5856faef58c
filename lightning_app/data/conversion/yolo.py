"""Darknet's and its followers' text: one line per object, ``class x y width height``, fractions of the picture."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from lightning_app.data.conversion.source import SMALL, Findings, Labelled, files_of, paired, part_of
from lightning_app.data.conversion.xml import Box, annotation
from lightning_app.data.conversion.yolo_names import find_names
from lightning_app.data.devkit import picture_size
from lightning_app.data.names import read_names
from lightning_app.errors import DataError
from lightning_app.progress import tracked
from lightning_app.text_lines import lines_of

SLACK = 0.01
"""How far a fraction may leave 0 to 1: tools round."""
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
    file, classes = find_names(root, folder) if names is None else (names, read_names(names))
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
        labelled.append(Labelled(picture, xml, Counter(box.name for box in boxes), part_of(picture)))
    findings.note(small, SMALL)
    used = {name for item in labelled for name in item.objects}
    if list(classes) != sorted(used):
        findings.notes.append(
            f"the devkit has the {len(used)} classes with a box, by the alphabet; for weights that were trained in the "
            f"order of {file}, give --data.classes {file}"
        )
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
        lines = lines_of(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path} cannot be read as YOLO text: {error.strerror}") from error
    except ValueError as error:
        raise DataError(f"{path} cannot be read as YOLO text: {error}") from error
    return [
        _box(f"{path}:{number}", line.split(), classes, width, height)
        for number, line in enumerate(lines, start=1)
        if line.strip()
    ]


def _box(where: str, words: Sequence[str], classes: Sequence[str], width: int, height: int) -> Box:
    try:
        label, *values = (float(word) for word in words)
    except ValueError:
        raise DataError(
            f"{where}: an object is `class x y width height`, five numbers with blanks between, not "
            f"{' '.join(words)[:60]!r}"
        ) from None
    if label not in range(len(classes)):
        raise DataError(
            f"{where}: class {words[0]} has no name, there are {len(classes)}: give them all as --classes FILE"
        )
    if not all(-SLACK <= value <= 1 + SLACK for value in values):  # nor NaN
        raise DataError(f"{where}: the numbers behind the class must be fractions of the picture, from 0 to 1")
    if len(values) == 4:
        x, y, w, h = values
        edges = [x - w / 2, y - h / 2, x + w / 2, y + h / 2]
    elif len(values) >= 6 and len(values) % 2 == 0:
        edges = [min(values[::2]), min(values[1::2]), max(values[::2]), max(values[1::2])]
    else:
        raise DataError(f"{where}: an object is `class x y width height`, five numbers, not {len(words)}")
    left, top, right, bottom = (
        round(edge * side, DIGITS) for edge, side in zip(edges, (width, height) * 2, strict=True)
    )
    return Box(classes[int(label)], left, top, right, bottom)
