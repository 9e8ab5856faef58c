"""The configs and networks that come with the program, found by name from any folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

FOLDER = Path(__file__).parent / "configs"
"""The repository's ``configs``; in a wheel a copy of it."""
NETWORKS, SWEEPS = "networks", "sweeps"
"""Folders in it: of Darknet's ``.cfg``, and of what W&B reads, which are no configs of a run."""


def find_config(given: str | Path) -> Path:
    """The file of a config.

    Args:
        given: a file; or else, of a config that comes with the program, the name (``yolo_lite``) or the path that it
            has in the repository (``configs/yolo_lite.yaml``).

    Returns:
        The file, or what was given if there is none.
    """
    return _find(Path(given), FOLDER, ".yaml")


def find_network(given: str | Path) -> Path:
    """The ``.cfg`` of a network.

    Args:
        given: a file; or else, of a network that comes with the program, the name (``yolo-lite``) or the path that it
            has in the repository (``configs/networks/yolo-lite.cfg``).

    Returns:
        The file, or what was given if there is none.
    """
    return _find(Path(given), FOLDER / NETWORKS, ".cfg")


def config_names() -> list[str]:
    """Names of the configs that ``-c`` takes, in order.

    >>> "demo/plain" in config_names()
    True
    """
    return sorted(name for name in _names(FOLDER, ".yaml") if not name.startswith(SWEEPS))


def network_names() -> list[str]:
    """Names of the networks that come with the program, in order.

    >>> "yolov2-voc" in network_names()
    True
    """
    return sorted(_names(FOLDER / NETWORKS, ".cfg"))


def with_found_configs(arguments: Sequence[str]) -> list[str]:
    """A command line in which every config is a file.

    >>> with_found_configs(["fit", "-c", "mine.yaml", "--config=other.yaml"])
    ['fit', '-c', 'mine.yaml', '--config=other.yaml']
    """
    return [_found(before, text) for before, text in zip(["", *arguments], arguments, strict=False)]


def _found(before: str, argument: str) -> str:
    option, equals, value = argument.partition("=")
    if before in ("-c", "--config"):
        return str(find_config(argument))
    return f"{option}={find_config(value)}" if equals and option in ("-c", "--config") else argument


def _find(given: Path, folder: Path, suffix: str) -> Path:
    if given.is_file() or given.is_absolute():
        return given
    name = Path(*given.parts[1:]) if given.parts[:1] == (FOLDER.name,) else given
    name = name.relative_to(folder.name) if name.parts[:1] == (folder.name,) else name
    found = folder / (name if name.suffix == suffix else f"{name}{suffix}")
    return found if found.is_file() else given


def _names(folder: Path, suffix: str) -> Iterator[str]:
    for path in folder.rglob(f"*{suffix}"):
        yield path.relative_to(folder).with_suffix("").as_posix()
