"""What the two sides must agree on before a container makes sense: the model, and codecs that both can run."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from lightning_app.codecs import Codec, codec_named
from lightning_app.codecs.table import BY_NAME
from lightning_app.darknet import Network
from lightning_app.errors import OptionError


def find_codec(name: str, bits: int) -> Codec:
    """The codec of a name and depth.

    Raises:
        OptionError: this program alone does not decode its payloads, or this build does not have it.
    """
    if name not in BY_NAME:
        raise OptionError(
            f"`dfc decode` cannot run {name}, and a .dfc file must say all: code by one of {', '.join(BY_NAME)}"
        )
    return codec_named(name, bits)


def model_id(network: Network) -> int:
    """CRC-32 of a network: its sections, but for what describes a training, and all its weights."""
    crc = 0
    for part in identity(network):
        crc = zlib.crc32(part, crc)
    return crc


def identity(network: Network) -> Iterator[bytes]:
    """All that the network's outputs hang on."""
    yield repr(network.architecture).encode()
    for name, tensor in network.state_dict().items():
        if not name.endswith("num_batches_tracked"):  # batch norm's own count, which Darknet's files do not keep
            yield name.encode()
            yield tensor.detach().cpu().numpy().tobytes()
