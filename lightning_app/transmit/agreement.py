"""What the two sides must agree on before a container makes sense: the model, and codecs that both can run."""

from __future__ import annotations

import zlib

from lightning_app.codecs import Codec, codec_named
from lightning_app.codecs.named import KNOWN
from lightning_app.errors import OptionError
from lightning_app.graph import SplitDetector


def find_codec(name: str, depth: int) -> Codec:
    """The codec of a name and depth.

    Raises:
        OptionError: this program alone does not decode its payloads, or this build does not have it.
    """
    known = [kind.__name__ for kind in KNOWN]
    if name not in known:
        raise OptionError(
            f"`dfc decode` cannot run {name}, and a .dfc file must say all: code by one of {', '.join(known)}"
        )
    return codec_named(name, depth)


def model_id(network: SplitDetector) -> int:
    """CRC-32 of a network: its sections, but for what describes a training, and all its weights."""
    crc = 0
    for part in network.identity():
        crc = zlib.crc32(part, crc)
    return crc
