"""The codecs of features, each in one line: what a person calls it, what a container calls it, and its class.

A codec that is not here is selected by its ``class_path``. A container calls it 0, ``other``, and `dfc decode` runs it
where ``--codec`` names it, too. A line here gives it a name and a number, and the container then suffices.
"""

from collections.abc import Callable
from typing import NamedTuple

from lightning_app.codecs.avc import AVC
from lightning_app.codecs.base import Codec
from lightning_app.codecs.hevc import HEVC
from lightning_app.codecs.hm import HM
from lightning_app.codecs.jpeg import JPEG
from lightning_app.codecs.jpegls import JPEGLS
from lightning_app.codecs.jpegxl import JPEGXL
from lightning_app.codecs.lzma2 import LZMA
from lightning_app.codecs.png import PNG
from lightning_app.codecs.raw import Raw
from lightning_app.errors import OptionError


class Entry(NamedTuple):
    """One codec.

    Attributes:
        name: of its class, as command lines, ``points.csv`` and `ContainerHeader.codec` have it.
        number: on the wire, 1 to 255, in one byte of a container.
        kind: its class.
    """

    name: str
    number: int
    kind: type[Codec]


TABLE = (
    Entry("HEVC", 1, HEVC),
    Entry("PNG", 2, PNG),
    Entry("JPEG", 3, JPEG),
    Entry("LZMA", 5, LZMA),
    Entry("Raw", 6, Raw),
    Entry("HM", 7, HM),
    Entry("AVC", 8, AVC),
    Entry("JPEGLS", 11, JPEGLS),
    Entry("JPEGXL", 12, JPEGXL),
    # 4, 9 and 10 were Deflate, AV1 and VVC. A number is never given again: the next codec is 13.
)
OTHER = "other"
"""What a container calls a codec that is not in the table, by the number 0."""

BY_NAME: dict[str, Callable[..., Codec]] = {entry.name: entry.kind for entry in TABLE if entry.kind is not HM}
"""The codecs that a name and a depth suffice to make: HM needs the paths of its programs, too."""

_NUMBERS = {OTHER: 0} | {entry.name: entry.number for entry in TABLE}
_NAMES = {number: name for name, number in _NUMBERS.items()}


def codec_named(name: str, depth: int) -> Codec:
    """The codec whose ``str`` is `name`: ``PNG``, ``HEVC``, ``HEVC/best``, ``HEVC/paper/inter``, ``JPEGXL/9``.

    Args:
        name: of its class, for HEVC with its settings, for JPEGXL with its effort.
        depth: bits per sample.

    Raises:
        OptionError: there is no such codec, or it does not take the depth.
    """
    kind, *settings = name.split("/")
    if kind == "HEVC" and len(settings) <= 2:
        return HEVC(depth, *settings)  # type: ignore[arg-type]  # it checks them
    if kind == "JPEGXL" and len(settings) == 1 and settings[0].isdigit():
        return JPEGXL(depth, int(settings[0]))
    if name not in BY_NAME:
        raise OptionError(
            f"no codec is named {name}: take one of {', '.join(BY_NAME)}; a codec of your own is given "
            f"as --model.channel.codec CLASS_PATH, and is then named in --codecs by its __str__"
        )
    return BY_NAME[name](depth=depth)


def number_of(name: str) -> int:
    """The number that a container has for a codec; 0 if it is not in the table."""
    return _NUMBERS.get(name, 0)


def name_of(number: int) -> str | None:
    """The name that `number_of` made a number of; None if it is the number of no codec."""
    return _NAMES.get(number)
