"""COCO's JSON: which picture an image is, and its boxes."""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import cast

from lightning_app.data.conversion.coco_entries import LISTS, Entry, Record, entries, read_boxes
from lightning_app.data.conversion.source import SMALL, Findings, Labelled, composed, files_of, part_of
from lightning_app.data.conversion.xml import annotation
from lightning_app.data.devkit import picture_size
from lightning_app.errors import DataError
from lightning_app.progress import tracked
from lightning_app.text_lines import text_of


def coco_files(folder: Path) -> dict[PurePosixPath, Record]:
    """The COCO JSONs of a folder and its subfolders, relative to it; of a file, that one.

    Raises:
        DataError: the file that was given is none.
    """
    if folder.is_file():
        try:
            return {PurePosixPath(folder.name): _coco(folder)}
        except ValueError as error:
            raise DataError(f"{folder} is no COCO JSON of detections: {error}") from error
    found = {}
    for file in files_of(folder, ".json"):
        with suppress(ValueError):
            found[file] = _coco(folder / file)
    return found


def other_json(folder: Path) -> str:
    """Why the first JSON of a folder without COCO JSONs is none, for the end of a sentence; "" where there is none."""
    for file in files_of(folder, ".json"):
        try:
            _coco(folder / file)
        except ValueError as error:
            return f"{folder / file} is no COCO JSON: {error}"
    return ""


def _coco(path: Path) -> Record:
    """What a COCO JSON says.

    Raises:
        ValueError: it is none; the message says why.
    """
    try:
        record = json.loads(text_of(path.read_bytes()))
    except OSError as error:
        raise ValueError(f"it cannot be read: {error.strerror}") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"it breaks off, or is no JSON: {error}") from error
    except RecursionError as error:
        raise ValueError("its lists are nested too deep") from error
    lacking = [key for key in LISTS if not isinstance(record, dict) or not isinstance(record.get(key), list)]
    if lacking:
        raise ValueError(f"it has no list of {', '.join(lacking)}")
    return cast(Record, record)


def read_coco(
    root: Path,
    pictures: Sequence[PurePosixPath],
    folder: Path,
    files: Mapping[PurePosixPath, Record],
    findings: Findings,
) -> list[Labelled]:
    """The pictures that a JSON lists; ``iscrowd`` becomes VOC's difficult.

    Args:
        root: folder of the pictures.
        pictures: relative to it.
        folder: of the JSONs.
        files: the JSONs.
        findings: takes what is to be said.

    Raises:
        DataError: a JSON lacks what a COCO JSON has.
    """
    by_name: dict[str, list[PurePosixPath]] = defaultdict(list)
    for picture in pictures:
        by_name[composed(picture.name)].append(picture)
    labelled: dict[PurePosixPath, Labelled] = {}
    told_by: dict[PurePosixPath, PurePosixPath] = {}
    absent: list[str] = []
    small: list[str] = []
    for file, record in files.items():
        try:
            images, boxes = entries(record, "images"), read_boxes(record)
            for number, image in tracked(images.items(), "Reading annotations", len(images)):
                name = PurePosixPath(composed(image.text("file_name").replace("\\", "/")))
                try:
                    found = _picture(name, file, by_name.get(name.name, []))
                    if found is None:
                        absent.append(str(name))
                        continue
                    if found in labelled:
                        raise DataError(
                            f"{root / found} is annotated twice, by {told_by[found]} and by {file}: keep one"
                        )
                    width, height = _size(image, root / found)
                except DataError as error:
                    findings.faults.append(str(error))
                    continue
                inside = [box.inside(width, height) for box in boxes.get(number, [])]
                kept = [box for box in inside if box is not None]
                small += [str(found)] * (len(inside) - len(kept))
                xml = annotation(found.name, width, height, kept)
                part = part_of(found, also=file.stem) or part_of(file)
                labelled[found] = Labelled(found, xml, Counter(box.name for box in kept), part)
                told_by[found] = file
        except ValueError as error:
            raise DataError(f"{folder / file} is no COCO JSON of detections: {error}") from error
    findings.note(absent, "image(s) of the JSON have no picture and are left out")
    findings.note([p for p in pictures if p not in labelled], "picture(s) are in no JSON and are left out")
    findings.note(small, SMALL)
    return [labelled[picture] for picture in pictures if picture in labelled]


def _picture(name: PurePosixPath, file: PurePosixPath, pictures: Sequence[PurePosixPath]) -> PurePosixPath | None:
    """The picture of an image, among those of the same name: by its whole path, its JSON's folder, or its set."""
    part = part_of(PurePosixPath(file.name), also=file.stem) or part_of(file)
    for fits in (
        [picture for picture in pictures if composed(f"/{picture}").endswith(f"/{name}")],
        [picture for picture in pictures if picture.is_relative_to(file.parent)],
        [picture for picture in pictures if part_of(picture) == part],
        list(pictures),
    ):
        if len(fits) == 1:
            return fits[0]
    if pictures:
        told = " or ".join(map(str, pictures))
        raise DataError(f"{file} names {name}, which may be {told}: give the path in file_name, or one folder's JSON")
    return None


def _size(image: Entry, path: Path) -> tuple[int, int]:
    """Width and height in pixels: those that the JSON states, for which its boxes were drawn, or else the picture's."""
    width, height = int(image.number("width")), int(image.number("height"))
    if width < 1 or height < 1:
        height, width = picture_size(path)
    return width, height
