"""The names of YOLO's class numbers: in Ultralytics' data.yaml, in a classes.txt or in Darknet's .names."""

from pathlib import Path

from lightning_app.data.conversion.source import files_of
from lightning_app.data.names import read_names
from lightning_app.data.yaml_names import yaml_names
from lightning_app.errors import DataError


def find_names(root: Path, folder: Path) -> tuple[Path, tuple[str, ...]]:
    """The file of the classes' names, and the names in the order of their numbers.

    Args:
        root: folder of the pictures.
        folder: of the .txt files.

    Raises:
        DataError: there is no file of names, several differ, or one is wrong.
    """
    places = dict.fromkeys([root, folder])
    found: dict[tuple[str, ...], Path] = {}
    for place in places:
        for suffix in (".yaml", ".yml"):
            for file in files_of(place, suffix):
                names = yaml_names(place / file)
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
    ((names, named_in),) = found.items()
    return named_in, names
