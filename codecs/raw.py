"""Samples as they are: what Fig. 2(a) of the paper sends."""

from lightning_app.codecs.base import FLOAT
from lightning_app.codecs.lossless import SampleCodec
from lightning_app.errors import CodecError


class Raw(SampleCodec):
    """Uncompressed samples behind their shape: 1 byte each at 8 bits, 2 at 10 and 12, 4 as float32.

    Args:
        depth: bits per sample: 32 for float32, or 8, 10 or 12.
    """

    def __init__(self, depth: int = FLOAT) -> None:
        super().__init__(depth)

    def compress(self, samples: bytes) -> bytes:
        """The samples."""
        return samples

    def decompress(self, data: bytes, size: int) -> bytes:
        """The samples, if they are all there."""
        if len(data) != size:
            raise CodecError(f"{len(data)} bytes of samples came where the payload claims {size}")
        return data
