"""The sets that lists of pictures tell: those of Darknet's ``.data`` file, or train.txt and its like by themselves."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from lightning_app.data.conversion.source import Findings, Labelled, composed, files_of
from lightning_app.data.devkit import SUFFIXES
from lightning_app.errors import DataError
from lightning_app.text_lines import lines_of

LIST = re.compile(r"(train|val|test)(?:ing|id|idation)?")
"""The name of a list, without its suffix and in small letters, and which set it tells."""
OPTION = re.compile(r"(train|val|test)(?:id)?\s*=\s*(\S.*)")
"""A line of a ``.data`` file that names a list."""


def by_lists(folder: Path, labelled: Sequence[Labelled], findings: Findings) -> tuple[list[Labelled], str]:
    """The pictures with the sets that the folder's lists put them in, without those that no list names.

    Args:
        folder: of the pictures.
        labelled: all of them.
        findings: takes what is to be said.

    Returns:
        the pictures, and the lists' names for a sentence; all pictures as they are and "" where no lists tell two sets.

    Raises:
        DataError: two lists name one picture, or a line may mean several pictures.
    """
    files = _list_files(folder)
    if "train" not in files or len(set(files.values())) < 2:
        findings.notes.extend(_lists_beside(folder))
        return list(labelled), ""
    parts, absent = _parts(folder, files, [item.picture for item in labelled])
    findings.note(absent, f"line(s) of the lists name no picture of {folder} with an annotation")
    if "train" not in parts.values() or len(set(parts.values())) < 2:
        return list(labelled), ""
    findings.note(
        [item.picture for item in labelled if item.picture not in parts], "picture(s) are in no list and are left out"
    )
    listed = [replace(item, part=parts[item.picture]) for item in labelled if item.picture in parts]
    return listed, " and ".join(map(str, dict.fromkeys(files.values())))


def _list_files(folder: Path) -> dict[str, PurePosixPath]:
    """The list of each set: those that a ``.data`` file names or, if it does not name two, those called like a set."""
    lists = [file for file in files_of(folder, ".txt") if _is_list(folder / file)]
    named: dict[str, PurePosixPath] = {}
    for data in files_of(folder, ".data"):
        for option in filter(None, (OPTION.fullmatch(line.strip()) for line in _lines(folder / data))):
            found = [file for file in lists if file.name == _path(option[2]).name]
            if len(found) == 1:
                named.setdefault(option[1], found[0])
    if len(set(named.values())) > 1:
        return named
    called: dict[str, PurePosixPath] = {}
    for file in lists:
        if match := LIST.fullmatch(file.stem.lower()):
            called.setdefault(match[1], file)
    return called


def _lists_beside(folder: Path) -> list[str]:
    """What to give instead of a folder of pictures whose lists stand beside it, as Darknet's data/train.txt."""
    parent = folder.parent if folder.name else folder / ".."
    beside = [file for file in sorted(parent.glob("*.txt")) if LIST.fullmatch(file.stem.lower()) and _is_list(file)]
    names = " and ".join(file.name for file in beside)
    return [f"{names} beside {folder} list pictures: to keep these sets, convert {parent}"] if len(beside) > 1 else []


def _parts(
    folder: Path, files: Mapping[str, PurePosixPath], pictures: Sequence[PurePosixPath]
) -> tuple[dict[PurePosixPath, str], list[str]]:
    """The set of each picture that is listed, and the lines that name none."""
    by_name: dict[str, list[PurePosixPath]] = {}
    for picture in pictures:
        by_name.setdefault(composed(picture.name), []).append(picture)
    parts: dict[PurePosixPath, str] = {}
    absent: list[str] = []
    for part, file in files.items():
        for line in filter(None, (line.strip() for line in _lines(folder / file))):
            alike = by_name.get(composed(_path(line).name), [])
            most = max((_shared_end(picture, _path(line)) for picture in alike), default=0)
            meant = [picture for picture in alike if _shared_end(picture, _path(line)) == most]
            if len(meant) > 1:
                raise DataError(
                    f"{folder / file} lists {line}, which may be {meant[0]} or {meant[1]}: write more of its folders"
                )
            if not meant:
                absent.append(line)
            elif parts.setdefault(meant[0], part) != part:
                raise DataError(
                    f"{folder / file} and {folder / files[parts[meant[0]]]} both list {meant[0]}: take it out of one, "
                    "or give --train_share 0.8 to draw the sets at random"
                )
    return parts, absent


def _shared_end(picture: PurePosixPath, other: PurePosixPath) -> int:
    """How many of their last names two paths have in common."""
    alike = [composed(a) == composed(b) for a, b in zip(reversed(picture.parts), reversed(other.parts), strict=False)]
    return [*alike, False].index(False)


def _path(text: str) -> PurePosixPath:
    """A path as a list has it, which may be one of Windows."""
    return PurePosixPath(text.strip().replace("\\", "/"))


def _is_list(path: Path) -> bool:
    """Whether each line of a file is the path of a picture."""
    lines = [line for line in _lines(path) if line.strip()]
    return bool(lines) and all(_path(line).suffix.lower() in SUFFIXES for line in lines)


def _lines(path: Path) -> list[str]:
    """The lines of a text; none of a file that is no text."""
    try:
        return lines_of(path.read_bytes())
    except (OSError, ValueError):
        return []
