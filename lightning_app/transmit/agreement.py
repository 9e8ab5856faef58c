"""What the two sides must agree on before a container makes sense: codecs that both can run."""

from __future__ import annotations

from lightning_app.codecs import Codec, codec_named
from lightning_app.codecs.named import KNOWN
from lightning_app.errors import OptionError


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
