"""What the two sides must agree on before a container makes sense: codecs that both can run."""

from __future__ import annotations

from lightning_app.bitstream import ContainerHeader
from lightning_app.codecs import Codec, codec_named
from lightning_app.codecs.table import BY_NAME
from lightning_app.errors import OptionError


def find_codec(header: ContainerHeader, given: Codec | None) -> Codec:
    """The codec that decodes a container's payloads.

    Args:
        header: of the container, which has the codec's name and depth.
        given: the codec, for one that is not made by its name; None for the table's.

    Raises:
        OptionError: nobody gave the codec, or the one that was given is another.
    """
    if given is None and header.codec in BY_NAME:
        return codec_named(header.codec, header.depth)
    if given is None:
        name = "HM" if header.codec == "HM" else "a codec of your own"
        raise OptionError(f"the .dfc file was coded by {name}: give --codec and its options, as on the mobile side")
    if header.codec in BY_NAME and type(given).__name__ != header.codec:
        raise OptionError(f"the .dfc file was coded by {header.codec}, not {type(given).__name__}: leave out --codec")
    if given.depth != header.depth:
        raise OptionError(
            f"--codec takes {given.depth} bits per sample and the .dfc file has {header.depth}: set its depth"
        )
    return given
