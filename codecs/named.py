"""Codecs of features by their names, as ``points.csv`` and the container write them."""

from typing import TypeAlias

from lightning_app.codecs.av1 import AV1
from lightning_app.codecs.avc import AVC
from lightning_app.codecs.base import Codec
from lightning_app.codecs.deflate import Deflate
from lightning_app.codecs.hevc import HEVC
from lightning_app.codecs.jpeg import JPEG
from lightning_app.codecs.lzma2 import LZMA
from lightning_app.codecs.png import PNG
from lightning_app.codecs.raw import Raw
from lightning_app.codecs.vvc import VVC
from lightning_app.errors import OptionError

Known: TypeAlias = HEVC | PNG | JPEG | Deflate | LZMA | Raw | AVC | AV1 | VVC
KNOWN: tuple[type[Known], ...] = (HEVC, PNG, JPEG, Deflate, LZMA, Raw, AVC, AV1, VVC)
"""The codecs that this program runs alone, from their names."""


def codec_named(name: str, depth: int) -> Codec:
    """The codec whose ``str`` is `name`: ``PNG``, ``HEVC``, ``HEVC/best``, ``HEVC/paper/inter``.

    Args:
        name: Of its class, for HEVC with its settings.
        depth: Bits a sample.

    Raises:
        OptionError: If there is no such codec, or it does not take the depth.
    """
    kind, *settings = name.split("/")
    if kind == "HEVC" and len(settings) <= 2:
        return HEVC(depth, *settings)  # type: ignore[arg-type]  # it checks them
    for known in KNOWN:
        if known.__name__ == name:
            return known(depth=depth)
    raise OptionError(f"no codec is named {name}: take one of {', '.join(known.__name__ for known in KNOWN)}")
