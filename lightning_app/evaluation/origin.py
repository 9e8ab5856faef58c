"""What an evaluation's folder is of, so that the results of another one are never replaced without a word."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from lightning_app.errors import OptionError
from lightning_app.files import written_whole
from lightning_app.shipped import find_network

FILE = "origin.json"
LEFT_OUT = frozenset({"output", "cache", "config"})
"""Options that change no result."""
OF_TRAINER = frozenset({"limit_test_batches", "precision"})
"""Options of the trainer that do."""
SHOWN = 3
"""How many differences a message names."""


def origin(config: Mapping[str, object]) -> dict[str, str]:
    """All that the results of ``dfc evaluate`` depend on, in words, by the names of the options.

    Args:
        config: the command's whole config, nested as YAML has it.
    """
    trainer = config.get("trainer")
    kept = {name: value for name, value in config.items() if name not in LEFT_OUT | {"trainer"}}
    if isinstance(trainer, Mapping):
        kept["trainer"] = {name: trainer.get(name) for name in sorted(OF_TRAINER)}
    found = dict(_flat(kept, ""))
    for name in ("model.network", "model.weights", "teacher"):
        path = find_network(found.get(name, "")) if name == "model.network" else Path(found.get(name, ""))
        if path.is_file():  # another file by the same name is another origin
            found[name] += f" ({hashlib.sha256(path.read_bytes()).hexdigest()[:12]})"
    return found


def check_origin(folder: Path, ours: Mapping[str, str]) -> None:
    """Refuse a folder that has results of another origin.

    Raises:
        OptionError: the folder holds results, and they are of other weights or of other options.
    """
    if not (folder / "points.csv").exists():
        return
    theirs = _read(folder / FILE)
    names = [name for name in dict.fromkeys([*ours, *theirs]) if ours.get(name) != theirs.get(name)]
    if not names:
        return
    differences = [f"{name} {theirs.get(name, 'not set')} and not {ours.get(name, 'not set')}" for name in names]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    of = f"another evaluation: {', '.join(differences[:SHOWN])}{more}" if theirs else "an earlier version of dfc"
    raise OptionError(
        f"{folder} holds the results of {of}. They are not replaced: give another folder with --output, or move it away"
    )


def write_origin(folder: Path, ours: Mapping[str, str]) -> None:
    """Note what the results that a folder will hold are of."""
    with written_whole(folder / FILE) as file:
        file.write(json.dumps(ours, indent=1).encode())


def _read(path: Path) -> dict[str, str]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _flat(value: object, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}" if name else str(key))
    else:
        yield name, "null" if value is None else str(value)
