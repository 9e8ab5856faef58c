"""A stand-in for HEVC that knows its step and nothing else of it: no prediction, no choice of blocks, no filter."""

from __future__ import annotations

import zlib

import numpy as np
from scipy.fft import dctn, idctn

from lightning_app.codecs.base import QP, Codec, Picture, check_picture, check_qp, sample_type
from lightning_app.codecs.lossless import read_shape, write_shape
from lightning_app.errors import CodecError, OptionError

SIDE = 8
"""Of a block of the transform, in samples."""
DEAD_ZONE = 1 / 3
"""What is added before a level is rounded down, as encoders do in intra pictures."""


class BlockDCT(Codec):
    """The DCT of 8×8 blocks and HEVC's step at the QP, with a dead zone. 8 bits per sample; never lossless."""

    depth = 8

    def check_qp(self, qp: QP) -> QP:
        """A QP of HEVC, 0 to 51."""
        if qp is None:
            raise OptionError("BlockDCT is never lossless: set qps to such as [22, 32]")
        return check_qp(qp)

    def encode(self, picture: Picture, qp: QP) -> bytes:
        """Samples (H, W) -> a payload."""
        picture, step = check_picture(picture, self.depth), self._step(self.check_qp(qp))
        height, width = picture.shape
        padded = np.pad(picture.astype(float), ((0, -height % SIDE), (0, -width % SIDE)), "edge")
        blocks = padded.reshape(len(padded) // SIDE, SIDE, -1, SIDE)  # (rows, 8, columns, 8)
        scaled = dctn(blocks, axes=(1, 3), norm="ortho") / step
        levels = (np.sign(scaled) * np.floor(np.abs(scaled) + DEAD_ZONE)).astype("<i2")
        return write_shape(picture.shape) + bytes([qp or 0]) + zlib.compress(levels.tobytes(), 1)

    def decode(self, data: bytes) -> Picture:
        """A payload -> samples (H, W)."""
        (height, width), body = read_shape(data)
        rows, columns = -(-height // SIDE), -(-width // SIDE)
        try:
            levels = np.frombuffer(zlib.decompress(body[1:]), "<i2").reshape(rows, SIDE, columns, SIDE)
        except (zlib.error, ValueError) as error:
            raise CodecError(f"the payload is damaged, or of another codec: {error}") from error
        samples = idctn(levels * self._step(body[0]), axes=(1, 3), norm="ortho").reshape(rows * SIDE, columns * SIDE)
        decoded: Picture = np.rint(samples).clip(0, 255)[:height, :width].astype(sample_type(self.depth))
        return decoded

    def _step(self, qp: QP) -> float:
        return float(2 ** (((qp or 0) - 4) / 6))
