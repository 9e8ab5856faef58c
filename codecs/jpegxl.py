"""JPEG XL (ISO/IEC 18181) of grey pictures, lossless, by libjxl, through the package pillow-jxl-plugin."""

from importlib.util import find_spec
from math import prod
from typing import cast

import numpy as np

from lightning_app.codecs.base import MAX_SAMPLES, Picture, in_range, sample_type
from lightning_app.codecs.jpegxl_header import SIGNATURE, claimed_shape
from lightning_app.codecs.lossless import PictureFile
from lightning_app.errors import CodecError, OptionError

_MODES = {8: "L", 10: "I;16", 12: "I;16"}
_EFFORT = 7  # libjxl's own default


class JPEGXL(PictureFile):
    """JPEG XL, lossless, as a bare codestream: the fewest bytes of all lossless codecs here.

    It needs libjxl, which ``pip install pillow-jxl-plugin`` brings.

    Args:
        depth: bits per sample: 8, 10 or 12.
        effort: how long libjxl searches, 1 to 9: 5 takes two thirds of the time of 7, and 9
            three to four times as long.
    """

    def __init__(self, depth: int = 8, effort: int = _EFFORT) -> None:
        super().__init__(depth)
        if not in_range(effort, 1, 9):
            raise OptionError(f"effort must be 1 to 9, not {effort}")
        self.effort = int(effort)
        if find_spec("pillow_jxl") is None:
            raise OptionError("JPEGXL needs libjxl: pip install pillow-jxl-plugin, or take JPEGLS")

    def __str__(self) -> str:
        """``JPEGXL``, ``JPEGXL/9``."""
        return "JPEGXL" if self.effort == _EFFORT else f"JPEGXL/{self.effort}"

    def write(self, picture: Picture) -> bytes:
        """The codestream."""
        from pillow_jxl import Encoder

        height, width = picture.shape
        encoder = Encoder(mode=_MODES[self.depth], lossless=True, effort=self.effort, num_threads=0)
        return _bare(bytes(encoder(picture.astype(self._file_type).tobytes(), width, height, jpeg_encode=False)))

    def read(self, data: bytes) -> Picture:
        """The picture of a codestream, whose claims are checked before libjxl sees them."""
        from pillow_jxl import Decoder

        shape = claimed_shape(data)
        if not 0 < prod(shape) <= MAX_SAMPLES:
            raise CodecError(f"the payload claims a shape of {shape}: it is damaged, or of another codec")
        try:
            _, info, samples, *_ = Decoder(num_threads=0)(data)
        except RuntimeError as error:  # whose words speak of how libjxl was built
            raise CodecError(f"{len(data)} bytes are not a JPEG XL picture") from error
        found = info.mode, (info.height, info.width)
        if found != (_MODES[self.depth], shape):
            raise CodecError(f"a JPEG XL picture of {found} came for one of {self.depth} bits and {shape}")
        return cast(Picture, np.frombuffer(samples, self._file_type).reshape(shape).astype(sample_type(self.depth)))

    @property
    def _file_type(self) -> np.dtype[np.uint8] | np.dtype[np.uint16]:
        return np.dtype("=u2" if self.depth > 8 else "u1")


def _bare(data: bytes) -> bytes:
    """The codestream: libjxl puts samples of 16 bits into a container (18181-2), whose last box it is."""
    return data if data.startswith(SIGNATURE) else data[data.index(b"jxlc") + 4 :]
