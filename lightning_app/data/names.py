"""The names of classes, from a file."""

from pathlib import Path

from lightning_app.darknet import WordTree
from lightning_app.errors import DataError


def read_names(path: Path, repeats: bool = False) -> tuple[str, ...]:
    """The names of classes, one per line, as in Darknet's ``.names``, or those of a WordTree, Darknet's ``.tree``.

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
    try:
        names = tuple(line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip())
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read as names of classes, one per line: {error}") from error
    if not names or (len(set(names)) < len(names) and not repeats):
        raise DataError(f"{path} must name at least one class, each class once, one per line")
    return names
