"""Deflate (RFC 1951), the compression inside PNG and ZIP, on bare samples."""

import zlib

from lightning_app.codecs.lossless import SampleCodec, from_planes, to_planes
from lightning_app.errors import CodecError

_BARE = -zlib.MAX_WBITS  # no header and no checksum around the stream


class Deflate(SampleCodec):
    """zlib's best compression of the samples' bytes, plane by plane.

    `Z_FILTERED` takes no notice of matches of 5 bytes and fewer, which are chance in noisy samples: on real feature
    tiles of 8 bits it saves 3 %. The planes save 16 % at 10 bits and 13 % at 12.
    """

    def compress(self, samples: bytes) -> bytes:
        """Samples in a bare Deflate stream."""
        compressor = zlib.compressobj(zlib.Z_BEST_COMPRESSION, zlib.DEFLATED, _BARE, 9, zlib.Z_FILTERED)
        return compressor.compress(to_planes(samples, self.sample_bytes)) + compressor.flush()

    def decompress(self, data: bytes, size: int) -> bytes:
        """The samples of a bare Deflate stream."""
        decompressor = zlib.decompressobj(_BARE)
        try:
            planes = decompressor.decompress(data, size + 1)  # no more memory than what there should be
        except zlib.error as error:
            raise CodecError(f"{len(data)} bytes are not a Deflate stream: {error}") from error
        if len(planes) != size or not decompressor.eof or decompressor.unused_data:
            raise CodecError(f"a Deflate stream of {len(data)} bytes does not hold the {size} bytes that it claims")
        return from_planes(planes, self.sample_bytes)
