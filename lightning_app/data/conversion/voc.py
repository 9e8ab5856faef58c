"""VOC's .xml files beside pictures, without image sets: they are taken as they are."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from xml.etree.ElementTree import Element, SubElement, tostring

from lightning_app.data.annotation import (
    annotation_in,
    leave_picture,
    named_classes,
    of_no_area,
    parse_annotation,
)
from lightning_app.data.conversion.source import Findings, Labelled, files_of, paired, part_of
from lightning_app.data.devkit import picture_size
from lightning_app.errors import DataError
from lightning_app.progress import tracked


def read_voc(home: Path, pictures: Sequence[PurePosixPath], folder: Path, findings: Findings) -> list[Labelled]:
    """The pictures that have an .xml file. Where it does not state the size of its picture, that is added.

    Args:
        home: the folder of the pictures.
        pictures: relative to it.
        folder: of the .xml files.
        findings: takes what is to be said.
    """
    pairs, lonely = paired(pictures, files_of(folder, ".xml"))
    findings.note([p for p in pictures if p not in pairs], "picture(s) have no .xml file and are left out")
    findings.note(lonely, ".xml file(s) have no picture and are left out")
    labelled = []
    outside: list[PurePosixPath] = []
    empty: list[PurePosixPath] = []
    sizeless: list[PurePosixPath] = []
    for picture, file in tracked(pairs.items(), "Reading annotations", len(pairs)):
        try:
            xml = (folder / file).read_bytes()
        except OSError as error:
            findings.faults.append(f"{folder / file} cannot be read: {error.strerror}")
            continue
        objects = Counter(named_classes(folder / file))
        try:
            root = parse_annotation(folder / file)
            if not _states_size(root):
                sizeless.append(file)
                xml = _with_size(root, *picture_size(home / picture))
            found = annotation_in(root, folder / file, tuple(sorted(objects)))
        except DataError as error:
            findings.faults.append(str(error))
            continue
        outside += [picture] * int(leave_picture(found).sum())
        empty += [picture] * int(of_no_area(found.boxes).sum())
        labelled.append(Labelled(picture, xml, objects, part_of(picture)))
    findings.note(sizeless, ".xml file(s) do not state the size of their picture, which is added")
    findings.note(outside, "box(es) leave their picture in part: a training cuts them off at its edges")
    findings.note(empty, "box(es) have no width or no height, and count nowhere")
    return labelled


def _states_size(root: Element) -> bool:
    """Whether an annotation says how large its picture is; some tools leave it out, or write zeros."""
    return all((root.findtext(f"size/{side}") or "").strip() not in ("", "0") for side in ("width", "height"))


def _with_size(root: Element, height: int, width: int) -> bytes:
    """The annotation's bytes once it states these sides, in pixels, which are added to it."""
    for old in root.findall("size"):
        root.remove(old)
    size = SubElement(root, "size")
    for name, side in (("width", width), ("height", height)):
        SubElement(size, name).text = str(side)
    text: bytes = tostring(root, "utf-8")
    return text
