"""A few pictures of an evaluation with what was found in them at each operating point: ``examples.json``."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from lightning_app.errors import DataError
from lightning_app.files import written_whole

EXAMPLES = "examples.json"
"""Name of the file."""
JPEG = b"\xff\xd8\xff"
"""How every JPEG begins."""
MAX_BYTES = 1 << 24
"""The largest file that is read: many times what `dfc evaluate` writes."""


@dataclass(frozen=True)
class Box:
    """A box with its class.

    Attributes:
        edges: left, top, right and bottom in the picture's pixels, as VOC counts them.
        name: of the class.
        score: 0 to 1; None for a true box.
    """

    edges: tuple[float, float, float, float]
    name: str
    score: float | None = None


@dataclass(frozen=True)
class Shown:
    """One picture at one operating point.

    Attributes:
        curve: as ``Point.curve``.
        qp: as ``Point.qp``.
        bits: that were sent.
        boxes: that were found, the surest first.
        jpeg: the picture as the cloud had it; empty where features were sent, or the file itself.
    """

    curve: str
    qp: str
    bits: int
    boxes: list[Box]
    jpeg: bytes = b""


@dataclass(frozen=True)
class Example:
    """One picture of the test set.

    Attributes:
        picture: its id, such as ``VOC2007/000001``.
        index: its number in the set.
        width: in pixels.
        height: in pixels.
        jpeg: the picture, small.
        truths: the true boxes.
        shown: it at each operating point.
    """

    picture: str
    index: int
    width: int
    height: int
    jpeg: bytes
    truths: list[Box]
    shown: list[Shown] = field(default_factory=list)


@dataclass(frozen=True)
class Tiles:
    """The feature picture of one picture at one cut, before and after coding, in the same contrast.

    Attributes:
        picture: the id of the picture.
        curve: as ``Point.curve``.
        layer: that made the features.
        before: a grey JPEG of what the codec got.
        after: a grey JPEG of what it gave back, by QP.
    """

    picture: str
    curve: str
    layer: str
    before: bytes
    after: dict[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Examples:
    """What ``examples.json`` holds."""

    pictures: list[Example] = field(default_factory=list)
    tiles: list[Tiles] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Bytes of all its JPEGs."""
        jpegs = [one for picture in self.pictures for one in (picture.jpeg, *(shown.jpeg for shown in picture.shown))]
        return sum(map(len, [*jpegs, *(one for tile in self.tiles for one in (tile.before, *tile.after.values()))]))


def write_examples(path: Path, examples: Examples) -> None:
    """Write ``examples.json``: the same examples give the same bytes."""
    text = json.dumps(asdict(examples), default=lambda jpeg: b64encode(jpeg).decode())
    with written_whole(path) as file:
        file.write(text.encode())


def read_examples(path: Path) -> Examples:
    """Read what `write_examples` wrote.

    Raises:
        DataError: the file cannot be read, or is none.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"it has more than {MAX_BYTES:,} bytes")
        found = json.loads(path.read_text("utf-8"))
        return Examples(_each(found["pictures"], _example), _each(found["tiles"], _tiles))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise DataError(
            f"{path} is no examples.json that `dfc evaluate` wrote: {error}; remove it to report without pictures"
        ) from error


Made = TypeVar("Made")


def _each(found: Sequence[Mapping[str, Any]], make: Callable[[Mapping[str, Any]], Made]) -> list[Made]:
    if not isinstance(found, list):
        raise TypeError("a list is missing")
    return [make(one) for one in found]


def _example(found: Mapping[str, Any]) -> Example:
    index, width, height = (int(found[name]) for name in ("index", "width", "height"))
    if min(width, height) < 1:
        raise ValueError(f"a picture of {width}×{height} pixels is none")
    truths, shown = _each(found["truths"], _box), _each(found["shown"], _shown)
    return Example(str(found["picture"]), index, width, height, _jpeg(found["jpeg"]), truths, shown)


def _shown(found: Mapping[str, Any]) -> Shown:
    jpeg = _jpeg(found["jpeg"]) if found["jpeg"] else b""
    return Shown(str(found["curve"]), str(found["qp"]), int(found["bits"]), _each(found["boxes"], _box), jpeg)


def _box(found: Mapping[str, Any]) -> Box:
    left, top, right, bottom = map(float, found["edges"])
    return Box(
        (left, top, right, bottom), str(found["name"]), None if found["score"] is None else float(found["score"])
    )


def _tiles(found: Mapping[str, Any]) -> Tiles:
    after = {str(qp): _jpeg(one) for qp, one in found["after"].items()}
    return Tiles(str(found["picture"]), str(found["curve"]), str(found["layer"]), _jpeg(found["before"]), after)


def _jpeg(text: str) -> bytes:
    data = b64decode(text, validate=True)
    if not data.startswith(JPEG):
        raise ValueError("what should be a JPEG is none")
    return data
