"""PNG of grey pictures, by Pillow: the lossless way of [4] in the paper."""

import io
import zlib
from itertools import product
from typing import Any, cast

import numpy.typing as npt

from lightning_app.codecs.base import Picture
from lightning_app.codecs.image_file import read_image
from lightning_app.codecs.lossless import PictureFile
from lightning_app.errors import CodecError


class PNG(PictureFile):
    """PNG, 8 bits per sample, or 16 for 10 and 12; the smallest of four settings of Pillow's.

    Above 8 bits, samples stand in the upper bits, as the standard has it (12.4, sample depth scaling): the lower byte
    then holds 2 or 4 bits of noise, and the upper one is the picture of 8 bits.

    Args:
        depth: bits per sample: 8, 10 or 12.
    """

    def write(self, picture: Picture) -> bytes:
        """The smallest of the files."""
        samples: npt.NDArray[Any] = picture
        settings = product((True, False), (zlib.Z_FILTERED, zlib.Z_RLE))
        return min((_write(samples << self._unused, *setting) for setting in settings), key=len)

    def read(self, data: bytes) -> Picture:
        """The picture of a file, by Pillow."""
        samples = read_image(data, "PNG", "L" if self.depth == 8 else "I;16")
        picture = samples >> self._unused
        if (picture << self._unused != samples).any():
            raise CodecError(f"the payload's samples have more than the {self.depth} bits that the codec was made for")
        return cast(Picture, picture)

    @property
    def _unused(self) -> int:
        """The lower bits of 16 that samples of this depth leave empty."""
        return -self.depth % 8


def _write(samples: npt.NDArray[Any], optimize: bool, strategy: int) -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(samples).save(file, "PNG", optimize=optimize, compress_level=9, compress_type=strategy)
    return file.getvalue()
