"""A WordTree's network that detects the classes of another list, by Darknet's ``.map``."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from lightning_app.darknet.build import HeadOptions
from lightning_app.darknet.headed import HeadedDetector
from lightning_app.darknet.region import RegionOptions
from lightning_app.darknet.tree import WordTree
from lightning_app.errors import DataError, OptionError
from lightning_app.graph import SplitDetector


def use_class_map(network: SplitDetector, path: Path) -> None:
    """Let a network with a tree detect, and learn by, the classes that a ``.map`` chooses from the tree.

    The layers and the weights stay as they are, and so do the features. Darknet takes the map of detection from
    ``map=`` of its ``.data`` file (``validate_detector`` of ``src/detector.c``), that of training from the ``.cfg``.

    Args:
        network: whose one head has a tree.
        path: of the map, such as Darknet's ``data/coco9k.map``: on each line the number of the class of the tree, from
            0, that the label with the line's number stands for.

    Raises:
        OptionError: the network has no tree.
        DataError: the file cannot be read, or has a line that is no class of the tree.
    """
    if not isinstance(network, HeadedDetector) or not any(map(_has_tree, network.heads)):
        raise OptionError(f"class_map chooses classes of a tree, and the network has none: leave out {path}")
    network.heads = tuple(_mapped(head, path) for head in network.heads)


def _has_tree(head: HeadOptions) -> bool:
    return isinstance(head, RegionOptions) and head.tree is not None


def _mapped(head: HeadOptions, path: Path) -> HeadOptions:
    if not isinstance(head, RegionOptions) or head.tree is None:
        return head
    mapped = read_class_map(path, head.tree)
    return replace(head, mapped=mapped, classes=len(mapped))


def read_class_map(path: Path, tree: WordTree) -> tuple[int, ...]:
    """The classes of a tree that a ``.map`` chooses, in the order of its lines.

    Raises:
        DataError: the file cannot be read, or has a line that is no class of the tree.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig", errors="replace").split()
    except OSError as error:
        raise DataError(f"{path} cannot be read as a map of classes: {error.strerror}") from error
    for number, line in enumerate(lines, start=1):
        if not re.fullmatch("[0-9]{1,9}", line) or int(line) >= len(tree.names):
            raise DataError(
                f"{path}:{number}: expected a class of the tree, 0 to {len(tree.names) - 1}, not {line[:40]!r}"
            )
    if not lines:
        raise DataError(f"{path} is empty; a map has a class of the tree on each line")
    return tuple(map(int, lines))
