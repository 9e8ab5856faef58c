"""What the two sides must agree on before a container makes sense: the model, and codecs that both can run."""

from __future__ import annotations

import zlib

from lightning_app.codecs import AV1, AVC, HEVC, JPEG, LZMA, PNG, VVC, Codec, Deflate, Raw
from lightning_app.darknet import Network
from lightning_app.errors import OptionError

Known = HEVC | PNG | JPEG | Deflate | LZMA | Raw | AVC | AV1 | VVC
CODECS: tuple[type[Known], ...] = (HEVC, PNG, JPEG, Deflate, LZMA, Raw, AVC, AV1, VVC)
"""The codecs whose payloads are decoded by this program alone."""


def find_codec(name: str, bits: int) -> Codec:
    """The codec of a name and depth.

    Raises:
        OptionError: this program alone does not decode its payloads, or this build does not have it.
    """
    for kind in CODECS:
        if kind.__name__ == name:
            return kind(depth=bits)
    known = ", ".join(kind.__name__ for kind in CODECS)
    raise OptionError(f"`dfc decode` cannot run {name}, and a .dfc file must say all: code by one of {known}")


def model_id(network: Network) -> int:
    """CRC-32 of a network: its sections, but for what describes a training, and all its weights."""
    crc = zlib.crc32(repr(network.architecture).encode())
    for name, tensor in network.state_dict().items():
        if not name.endswith("num_batches_tracked"):  # batch norm's own count, which Darknet's files do not keep
            crc = zlib.crc32(tensor.detach().cpu().numpy().tobytes(), zlib.crc32(name.encode(), crc))
    return crc
