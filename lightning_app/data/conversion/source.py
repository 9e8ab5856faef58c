"""The pictures of a folder: what each is called in a devkit, and in which set the folders' names put it."""

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from lightning_app.data.devkit import listed_names
from lightning_app.data.folder import check_name, find_pictures
from lightning_app.errors import DataError

YEAR = "Own"
"""The folder of a devkit that stands where VOC2007 stands in VOC's."""
SORTING = frozenset({"annotations", "images", "imgs", "jpegimages", "labels", "pictures", "xml", "xmls"})
"""Names of folders that only keep pictures and annotations apart, in small letters."""
PART = re.compile(r"(?<![a-z])(train|val|test)(?:ing|id|idation)?(?![a-z])")
"""The set in the name of a folder or of a COCO JSON, such as train2017 or instances_val2017."""

SMALL = "box(es) lie outside their picture, or are no wider or no higher there than a pixel, and are left out"
"""What is said of boxes that `Box.inside` leaves nothing of."""

Key = tuple[str, ...]
"""A file's folders without those of `SORTING`, and its stem."""


@dataclass(frozen=True)
class Labelled:
    """One picture and its VOC annotation.

    Attributes:
        picture: its path, relative to the folder of the pictures.
        xml: the annotation's bytes.
        objects: how many it has of each class.
        part: the set that the folders' names, or the name of a COCO JSON, put it in; None for none.
    """

    picture: PurePosixPath
    xml: bytes
    objects: Mapping[str, int]
    part: str | None


@dataclass
class Findings:
    """What a person should know.

    Attributes:
        faults: sentences about files that cannot be used, which end the conversion.
        notes: sentences about what was left out or taken for something.
    """

    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def note(self, names: Sequence[object], what: str) -> None:
        """A note about some files, of which the first is named."""
        if names:
            self.notes.append(f"{len(names):,} {what}; the first is {names[0]}")


def pictures_of(folder: Path) -> list[PurePosixPath]:
    """The pictures of a folder and its subfolders, but for those of devkits that were made inside of it.

    Raises:
        DataError: there is none, or two would have one name.
    """
    found = [PurePosixPath(name) for name in find_pictures(folder)]
    made = {parent for parent in {p for name in found for p in name.parents[:-1]} if _is_devkit(folder / parent)}
    pictures = [picture for picture in found if made.isdisjoint(picture.parents)]
    if not pictures:
        raise DataError(f"the folder {folder} holds no picture outside the devkits that were made in it")
    by_key: dict[Key, PurePosixPath] = {}
    for picture in pictures:
        other = by_key.setdefault(key_of(picture), picture)
        if other != picture:
            raise DataError(f"{folder} has {other} and {picture}, which would have one name: rename or remove one")
    return pictures


def _is_devkit(folder: Path) -> bool:
    """Whether this program made a folder: its pictures are copies, and would be both trained and tested on."""
    return (folder / YEAR / "ImageSets").is_dir()


def key_of(path: PurePosixPath) -> Key:
    """What a picture and its annotation have in common."""
    return tuple(map(composed, (*(name for name in path.parts[:-1] if name.lower() not in SORTING), path.stem)))


def composed(name: str) -> str:
    """A name whose letters have their accents, where macOS stores letters and accents apart."""
    return unicodedata.normalize("NFC", name)


def names_of(pictures: Sequence[PurePosixPath]) -> dict[PurePosixPath, str]:
    """What each picture is called in a devkit: its stem or, where two have one stem, its folders and its stem.

    A name that a list of VOC's would give back as another one has _ for its spaces: in "cat 1" the 1 is a label.

    Raises:
        DataError: two would have one name.
    """
    stems = Counter(picture.stem for picture in pictures)
    unique = max(stems.values()) == 1
    names = {picture: picture.stem if unique else "-".join(key_of(picture)) for picture in pictures}
    names = {p: name if listed_names(name) == [name] else "_".join(name.split()) for p, name in names.items()}
    by_name: dict[str, PurePosixPath] = {}
    for picture, name in names.items():
        if by_name.setdefault(name, picture) != picture:
            raise DataError(f"{by_name[name]} and {picture} would both be called {name!r}: rename one")
    return names


def part_of(path: PurePosixPath, also: str = "") -> str | None:
    """``train``, ``val`` or ``test``, by the names of a file's folders or by a name that is given; None for none."""
    for name in (*path.parts[:-1], also):
        found = PART.search(name.lower())
        if found:
            return found[1]
    return None


def files_of(folder: Path, suffix: str) -> list[PurePosixPath]:
    """The files of a folder and its subfolders whose names end so, relative to it, but for hidden ones and devkits'.

    Raises:
        DataError: the name of one is no text.
    """
    found = []
    for place, folders, files in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if name[0] != "." and not _is_devkit(Path(place, name))]
        inside = PurePosixPath(Path(place).relative_to(folder).as_posix())
        named = [name for name in files if name.lower().endswith(suffix) and name[0] != "."]
        for name in named:
            check_name(Path(place, name))
        found += [inside / name for name in named]
    return sorted(found)


def paired(
    pictures: Sequence[PurePosixPath], files: Iterable[PurePosixPath]
) -> tuple[dict[PurePosixPath, PurePosixPath], list[PurePosixPath]]:
    """The annotation file of each picture that has one, and the files that belong to none.

    They are in one folder, or in two whose names differ by `SORTING` alone, such as images/train and labels/train; else
    they belong together where no other picture or file has their stem.
    """
    files = list(files)
    by_key = {key_of(file): file for file in files}
    pairs = {picture: by_key[key_of(picture)] for picture in pictures if key_of(picture) in by_key}
    taken = set(pairs.values())
    free = _by_single_stem(file for file in files if file not in taken)
    lonely = _by_single_stem(picture for picture in pictures if picture not in pairs)
    pairs |= {picture: free[stem] for stem, picture in lonely.items() if stem in free}
    taken = set(pairs.values())
    return pairs, [file for file in files if file not in taken]


def _by_single_stem(paths: Iterable[PurePosixPath]) -> dict[str, PurePosixPath]:
    paths = list(paths)
    counts = Counter(composed(path.stem) for path in paths)
    return {composed(path.stem): path for path in paths if counts[composed(path.stem)] == 1}
