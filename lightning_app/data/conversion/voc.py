"""VOC's .xml files beside pictures, without image sets: they are taken as they are."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from lightning_app.data.annotation import leave_picture, named_classes, of_no_area, read_annotation
from lightning_app.data.conversion.source import Findings, Labelled, files_of, paired, part_of
from lightning_app.errors import DataError
from lightning_app.progress import tracked


def read_voc(pictures: Sequence[PurePosixPath], folder: Path, findings: Findings) -> list[Labelled]:
    """The pictures that have an .xml file.

    Args:
        pictures: relative to their own folder.
        folder: of the .xml files.
        findings: takes what is to be said.
    """
    pairs, lonely = paired(pictures, files_of(folder, ".xml"))
    findings.note([p for p in pictures if p not in pairs], "picture(s) have no .xml file and are left out")
    findings.note(lonely, ".xml file(s) have no picture and are left out")
    labelled = []
    outside: list[PurePosixPath] = []
    empty: list[PurePosixPath] = []
    for picture, file in tracked(pairs.items(), "Reading annotations", len(pairs)):
        try:
            xml = (folder / file).read_bytes()
        except OSError as error:
            findings.faults.append(f"{folder / file} cannot be read: {error.strerror}")
            continue
        objects = Counter(named_classes(folder / file))
        try:
            found = read_annotation(folder / file, tuple(sorted(objects)))
        except DataError as error:
            findings.faults.append(str(error))
            continue
        outside += [picture] * int(leave_picture(found).sum())
        empty += [picture] * int(of_no_area(found.boxes).sum())
        labelled.append(Labelled(picture, xml, objects, part_of(picture)))
    findings.note(outside, "box(es) leave their picture in part: a training cuts them off at its edges")
    findings.note(empty, "box(es) have no width or no height, and count nowhere")
    return labelled
