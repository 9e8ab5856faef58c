"""The names of classes, from a file."""

from pathlib import Path

from lightning_app.darknet import WordTree
from lightning_app.data.yaml_names import SUFFIXES, check_once, yaml_names
from lightning_app.errors import DataError
from lightning_app.text_lines import lines_of


def read_names(path: Path, repeats: bool = False) -> tuple[str, ...]:
    """The names of classes, one per line, as in Darknet's ``.names``.

    Of a WordTree, Darknet's ``.tree``, they are those of its nodes, of Ultralytics' ``data.yaml`` its ``names``.

    Args:
        path: of the file.
        repeats: let a name stand on several lines, as 662 names of Darknet's ``data/9k.names`` do: classes of its tree
            that are called alike. A network without a tree refuses such names (`SplitDetector.check_classes`).

    Raises:
        DataError: the file cannot be read, names no class, or names one twice where that is not allowed.
        CfgError: a ``.tree`` is none.
    """
    if path.suffix == ".tree":
        return WordTree.read(path).names
    if path.suffix == ".data":
        raise DataError(f"{path} names files and no classes: give the file that it has as names=")
    if path.suffix.lower() in SUFFIXES and path.exists():
        names = yaml_names(path)
        if not names:
            raise DataError(f"{path} has no names: give a data.yaml with names, or a file with one name per line")
        return names
    try:
        names = tuple(line.strip() for line in lines_of(path.read_bytes()) if line.strip())
    except OSError as error:
        raise DataError(f"{path} cannot be read as names of classes, one per line: {error.strerror}") from error
    except ValueError as error:
        raise DataError(f"{path} cannot be read as names of classes, one per line: {error}") from error
    if not names:
        raise DataError(f"{path} names no class: it must name at least one, one per line")
    if not repeats:
        check_once(names, path)
    return names
