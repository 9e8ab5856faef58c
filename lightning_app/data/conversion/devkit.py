"""Write a devkit: pictures, annotations, image sets and the names of the classes, whole or not at all."""

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np

from lightning_app.data.conversion.classes import check_classes, misspelt
from lightning_app.data.conversion.coco import coco_files, other_json, read_coco
from lightning_app.data.conversion.listed import by_lists
from lightning_app.data.conversion.source import YEAR, Findings, Labelled, files_of, names_of, pictures_of
from lightning_app.data.conversion.voc import read_voc
from lightning_app.data.conversion.yolo import read_yolo, text_files
from lightning_app.data.devkit import is_turned
from lightning_app.errors import DataError, OptionError
from lightning_app.progress import tracked

NAMES = "classes.names"
SPLIT = 0.8
"""The share to train on, where nobody says it and no list or folder does."""


class Converted(NamedTuple):
    """A devkit that was made.

    Attributes:
        classes: their names, by the alphabet.
        sets: how many pictures each has, such as Own/train.
    """

    classes: tuple[str, ...]
    sets: dict[str, int]


def convert(
    folder: Path,
    target: Path,
    findings: Findings,
    annotations: Path | None = None,
    split: float | None = None,
    names: Path | None = None,
    finish: Callable[[Path, tuple[str, ...]], None] = lambda _root, _classes: None,
    seed: int = 0,
) -> Converted:
    """Make a VOC devkit of a folder of pictures; the same arguments give the same bytes.

    Args:
        folder: of the pictures, which may have subfolders.
        target: the devkit to make; nothing may be there.
        findings: takes what a person should know.
        annotations: folder of VOC's .xml files, YOLO's .txt files or COCO JSONs, or one such JSON; None for ``folder``.
        split: the share of the pictures to train on, between 0 and 1, the others to test on, drawn at random; None for
            the sets that lists of pictures tell or the names of the folders, such as train and val, or else for
            `SPLIT`.
        names: for YOLO text, the file of the classes' names; None for what is in the folder.
        finish: does more with the devkit, which has another name until it is whole.
        seed: of the draw.

    Raises:
        DataError: the annotations are not found, or files cannot be used: all are named.
        OptionError: something is there already, or the split is no share.
    """
    if split is not None and not 0 < split < 1:
        raise OptionError(f"--train_share must be between 0 and 1, the share of the pictures to train on, not {split}")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise OptionError(f"{target} is already there and is not overwritten: move it away, or give another -o")
    labelled = _labelled(folder, annotations or folder, names, findings)
    if findings.faults:
        raise DataError(
            f"{len(findings.faults)} problem(s) of {folder}, listed above: mend them, or take the pictures out of it"
        )
    labelled, lists = by_lists(folder, labelled, findings) if split is None else (labelled, "")
    objects = sum((Counter(item.objects) for item in labelled), Counter[str]())
    if not objects:
        raise DataError(f"{annotations or folder} names no object in any picture: is it the right folder?")
    classes = tuple(sorted(objects))
    check_classes(classes)
    findings.notes.extend(misspelt(objects))
    findings.note(
        [item.picture for item in labelled if is_turned(folder / item.picture)],
        "picture(s) are turned by EXIF, which is not read here: if their boxes were drawn on what is shown, store the "
        "pictures as they are shown",
    )
    sets = _sets(labelled, split, seed, lists, findings)
    ids = names_of([item.picture for item in labelled])
    try:
        target.absolute().parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".devkit-", dir=target.absolute().parent) as temporary:
            fresh = Path(temporary) / target.name
            _write(fresh, folder, labelled, ids, sets)
            (fresh / NAMES).write_text("".join(f"{name}\n" for name in classes), "utf-8")
            finish(fresh, classes)
            fresh.rename(target)
    except OSError as error:
        raise OptionError(f"{target} cannot be written: {error.strerror}; give another -o") from error
    return Converted(classes, {f"{YEAR}/{part}": len(items) for part, items in sets.items()})


def _labelled(folder: Path, place: Path, names: Path | None, findings: Findings) -> list[Labelled]:
    """The pictures with their annotations, of the one kind that is there."""
    pictures = pictures_of(folder)
    if not place.exists():
        raise DataError(f"{place} is not there: give the folder of the annotations, or a COCO JSON, as --annotations")
    coco = coco_files(place)
    xml = [] if place.is_file() else files_of(place, ".xml")
    text = {} if place.is_file() else text_files(pictures, place)
    kinds = [*map(str, coco), *(["the .xml files"] if xml else []), *(["the .txt files"] if text else [])]
    if (coco and (xml or text)) or (xml and text):
        raise DataError(
            f"{place} has annotations of more than one kind, {', '.join(kinds)}: keep one, or give one as --annotations"
        )
    if names is not None and not text:
        raise OptionError("--classes names the numbers of YOLO text, and there is none: leave it out")
    if coco:
        labelled = read_coco(folder, pictures, place.parent if place.is_file() else place, coco, findings)
    elif xml:
        labelled = read_voc(folder, pictures, place, findings)
    elif text:
        labelled = read_yolo(folder, pictures, place, names, findings)
    else:
        why = other_json(place)
        raise DataError(
            f"{place} has no annotations of {folder}'s pictures: neither VOC's .xml, nor YOLO's .txt, nor a COCO JSON; "
            f"give their folder, or the JSON, as --annotations{why and f' ({why})'}"
        )
    if not labelled and not findings.faults:
        raise DataError(f"the annotations of {place} belong to no picture of {folder}: are their names the same?")
    return labelled


def _sets(
    labelled: Sequence[Labelled], split: float | None, seed: int, lists: str, findings: Findings
) -> dict[str, list[Labelled]]:
    """The pictures to train on, to test on and, where lists or folders tell, to validate on."""
    parts = {item.part for item in labelled}
    if split is None and None not in parts and "train" in parts and len(parts) > 1:
        told = {part: [item for item in labelled if item.part == part] for part in ("train", "val", "test")}
        findings.notes.append(
            f"the sets are those {f'of {lists}' if lists else 'that the names of folders or files tell'}"
        )
        return {
            "train": told["train"],
            **({"val": told["val"]} if told["val"] else {}),
            "test": told["test"] or told["val"],
        }
    share = SPLIT if split is None else split
    if len(labelled) < 2:
        raise DataError(f"one picture, {labelled[0].picture}, cannot be split into two sets: add pictures")
    count = min(max(round(share * len(labelled)), 1), len(labelled) - 1)
    # By their names: the order of the folders' files is nobody's.
    ordered = sorted(labelled, key=lambda item: (item.picture.stem, item.picture))
    drawn = set(np.random.default_rng(seed).permutation(len(ordered))[:count].tolist())
    findings.notes.append(f"{count} pictures to train on and {len(ordered) - count} to test on, drawn at random")
    return {
        "train": [item for index, item in enumerate(ordered) if index in drawn],
        "test": [item for index, item in enumerate(ordered) if index not in drawn],
    }


def _write(
    root: Path,
    folder: Path,
    labelled: Sequence[Labelled],
    ids: Mapping[PurePosixPath, str],
    sets: Mapping[str, Sequence[Labelled]],
) -> None:
    for part in ("JPEGImages", "Annotations", "ImageSets/Main"):
        (root / YEAR / part).mkdir(parents=True)
    for item in tracked(labelled, "Writing pictures", len(labelled)):
        name = ids[item.picture]
        _copy(folder / item.picture, root / YEAR / "JPEGImages" / f"{name}{item.picture.suffix}")
        (root / YEAR / "Annotations" / f"{name}.xml").write_bytes(item.xml)
    for part, items in sets.items():
        lines = "".join(f"{ids[item.picture]}\n" for item in items)
        (root / YEAR / f"ImageSets/Main/{part}.txt").write_text(lines, "utf-8")


def _copy(picture: Path, target: Path) -> None:
    try:
        source = picture.open("rb")
    except OSError as error:
        raise DataError(
            f"{picture} cannot be read: {error.strerror}; replace it, or take it out of the folder"
        ) from error
    with source, target.open("wb") as file:
        shutil.copyfileobj(source, file)
