"""COCO's JSON: images, categories, and annotations with ``bbox``, x, y, width and height in pixels."""

import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from lightning_app.data.conversion.source import Findings, Labelled, files_of, part_of
from lightning_app.data.conversion.xml import Box, annotation
from lightning_app.data.devkit import picture_size
from lightning_app.errors import DataError
from lightning_app.progress import tracked

Record = Mapping[str, Any]


def coco_files(folder: Path) -> dict[PurePosixPath, Record]:
    """The COCO JSONs of a folder and its subfolders, relative to it; of a file, that one.

    Raises:
        DataError: the file that was given is none.
    """
    if folder.is_file():
        record = _coco(folder)
        if record is None:
            raise DataError(f"{folder} is no COCO JSON of detections: it must have images, annotations and categories")
        return {PurePosixPath(folder.name): record}
    found = {file: _coco(folder / file) for file in files_of(folder, ".json")}
    return {file: record for file, record in found.items() if record is not None}


def _coco(path: Path) -> Record | None:
    try:
        record = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return None
    lists = isinstance(record, dict) and all(
        isinstance(record.get(key), list) for key in ("images", "annotations", "categories")
    )
    return record if lists else None


def read_coco(
    root: Path, pictures: Sequence[PurePosixPath], files: Mapping[PurePosixPath, Record], findings: Findings
) -> list[Labelled]:
    """The pictures that a JSON lists; ``iscrowd`` becomes VOC's difficult.

    Args:
        root: folder of the pictures.
        pictures: relative to it.
        files: the JSONs.
        findings: takes what is to be said.

    Raises:
        DataError: a JSON lacks what a COCO JSON has.
    """
    by_name: dict[str, list[PurePosixPath]] = defaultdict(list)
    for picture in pictures:
        by_name[picture.name].append(picture)
    labelled: dict[PurePosixPath, Labelled] = {}
    absent: list[str] = []
    small: list[str] = []
    for file, record in files.items():
        try:
            boxes = _boxes(record)
            for image in tracked(record["images"], "Reading annotations", len(record["images"])):
                name = PurePosixPath(str(image["file_name"]).replace("\\", "/"))
                try:
                    found = _picture(name, file, by_name.get(name.name, []))
                    if found is None:
                        absent.append(str(name))
                        continue
                    if found in labelled:
                        raise DataError(f"{root / found} is annotated twice: give one JSON as --annotations")
                    width, height = _size(image, root / found)
                except DataError as error:
                    findings.faults.append(str(error))
                    continue
                inside = [box.inside(width, height) for box in boxes.get(image["id"], [])]
                kept = [box for box in inside if box is not None]
                small += [str(found)] * (len(inside) - len(kept))
                xml = annotation(found.name, width, height, kept)
                part = part_of(found, also=file.stem) or part_of(file)
                labelled[found] = Labelled(found, xml, frozenset(box.name for box in kept), part)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataError(f"{file} is no COCO JSON of detections: {type(error).__name__}: {error}") from error
    findings.note(absent, "image(s) of the JSON have no picture and are left out")
    findings.note([p for p in pictures if p not in labelled], "picture(s) are in no JSON and are left out")
    findings.note(small, "box(es) are no wider or no higher than a pixel and are left out")
    return [labelled[picture] for picture in pictures if picture in labelled]


def _boxes(record: Record) -> dict[Any, list[Box]]:
    """By the number of the image."""
    names = {category["id"]: str(category["name"]).strip() for category in record["categories"]}
    images = {image["id"] for image in record["images"]}
    found: dict[Any, list[Box]] = defaultdict(list)
    for item in record["annotations"]:
        number = item.get("id")
        if item["image_id"] not in images:
            raise ValueError(f"annotation {number} is of image {item['image_id']}, which is not listed")
        if item["category_id"] not in names:
            raise ValueError(f"annotation {number} is of category {item['category_id']}, which is not listed")
        if not item.get("bbox"):
            raise ValueError(f"annotation {number} has no bbox")
        x, y, w, h = (float(value) for value in item["bbox"])
        if not all(map(math.isfinite, (x, y, w, h))):
            raise ValueError(f"annotation {number} has the bbox {item['bbox']}")
        box = Box(names[item["category_id"]], x, y, x + w, y + h, bool(item.get("iscrowd", 0)))
        found[item["image_id"]].append(box)
    return found


def _picture(name: PurePosixPath, file: PurePosixPath, pictures: Sequence[PurePosixPath]) -> PurePosixPath | None:
    """The picture of an image, among those of the same name: by its whole path, its JSON's folder, or its set."""
    part = part_of(PurePosixPath(file.name), also=file.stem) or part_of(file)
    for fits in (
        [picture for picture in pictures if f"/{picture}".endswith(f"/{name}")],
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


def _size(image: Record, path: Path) -> tuple[int, int]:
    """Width and height in pixels: those that the JSON states, for which its boxes were drawn, or else the picture's."""
    width, height = int(image.get("width") or 0), int(image.get("height") or 0)
    if width < 1 or height < 1:
        height, width = picture_size(path)
    return width, height
