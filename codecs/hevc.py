"""HEVC intra coding of grey (4:0:0) pictures, in process: libx265 encodes and FFmpeg decodes, through PyAV.

The paper codes with HM 16.12, main-RExt, CTU 16, RDOQ off. These are x265's settings for the same tools. Over twelve
real feature tiles their mean BD-rate (PSNR against bytes, QP 22 to 37) is +1.9 % of HM's at 8 bits and +2.3 % at 10 and
12; docs/decisions/x265.md has the settings that lost.

Every picture gets a fresh encoder, although x265 could be fed picture after picture: x265 writes one bit of its own
signature ("_NJS", indexed by the picture's count modulo 31) into each slice header, as the loop filter's flag across
slices, so the bytes of a kept encoder would depend on what was coded before. Opening costs 1 to 2 ms.

HEVC carries no checksum here: `decode` refuses what breaks the syntax, but damage inside the arithmetic-coded samples
gives another picture. A container that crosses an unsafe line must bring a checksum of its own.
"""

from fractions import Fraction
from typing import cast

import av
import av.error

from lightning_app.codecs.base import QP, Codec, Picture, check_depth, check_picture
from lightning_app.errors import CodecError

_FORMATS = {8: "gray", 10: "gray10le", 12: "gray12le"}

_X265 = {
    # The paper's tools. HM signals transform skip and hides signs by default; x265 does not.
    "ctu": 16,
    "min-cu-size": 8,
    "max-tu-size": 16,
    "rdoq-level": 0,
    "tskip": 1,
    "signhide": 1,
    "rd": 6,
    # A true QP: no offset for intra pictures, none by block, distortion as plain squared error.
    "ipratio": "1.0",
    "aq-mode": 0,
    "cutree": 0,
    "psy-rd": 0,
    "psy-rdoq": 0,
    # One picture, whole: nothing to look ahead at.
    "keyint": 1,
    "bframes": 0,
    "rc-lookahead": 0,
    "scenecut": 0,
    # Only bytes that the decoder needs: parameter sets and the picture.
    "info": 0,
    "hash": 0,
    "vui-timing-info": 0,
    # One core a picture: the worker processes fill the others.
    "pools": "none",
    "frame-threads": 1,
    "wpp": 0,
    "log-level": "none",
}


class HEVC(Codec):
    """HEVC main-RExt 4:0:0, all intra, as raw Annex-B streams with their parameter sets.

    Args:
        depth: Bits a sample: 8, 10 or 12.
    """

    min_side = 16  # one CTU

    def __init__(self, depth: int = 8) -> None:
        self.depth = check_depth(depth)

    def encode(self, picture: Picture, qp: QP) -> bytes:
        """Code one (H, W) picture at HM's `qp`, or bit-exactly when it is None."""
        picture = check_picture(picture, self.depth, self.min_side)
        frame = av.VideoFrame.from_ndarray(picture, format=_FORMATS[self.depth])
        frame.pts = 0
        try:
            encoder = self._encoder(picture.shape, self.check_qp(qp))
            packets = [*encoder.encode(frame), *encoder.encode(None)]
        except av.error.FFmpegError as error:
            raise CodecError(f"x265 cannot code a picture of {picture.shape} at QP {qp}: {error.strerror}") from error
        return b"".join(bytes(packet) for packet in packets)

    def decode(self, data: bytes) -> Picture:
        """Decode one payload of `encode` into its (H, W) picture."""
        decoder = av.CodecContext.create("hevc", "r")
        decoder.thread_count = 1
        decoder.options = {"err_detect": "explode"}
        try:
            frames = [*decoder.decode(av.Packet(data)), *decoder.decode(None)]
        except av.error.FFmpegError as error:
            raise CodecError(f"{len(data)} bytes are not an HEVC picture: {error.strerror}") from error
        return self._picture(frames)

    def _encoder(self, shape: tuple[int, ...], qp: QP) -> av.VideoCodecContext:
        encoder = av.CodecContext.create("libx265", "w")
        encoder.height, encoder.width = shape
        encoder.pix_fmt = _FORMATS[self.depth]
        encoder.time_base = Fraction(1, 25)  # demanded, and not written
        rate = {"lossless": 1} if qp is None else {"qp": qp}
        # x265 only logs an unknown name and goes on, and we keep its log off: a test reads it.
        encoder.options = {"x265-params": ":".join(f"{name}={value}" for name, value in {**_X265, **rate}.items())}
        return encoder

    def _picture(self, frames: list[av.VideoFrame]) -> Picture:
        if len(frames) != 1:
            raise CodecError(f"a payload must hold one HEVC picture, not {len(frames)}")
        name = frames[0].format.name
        if name != _FORMATS[self.depth]:
            raise CodecError(f"the payload's samples are {name}, but the codec was made for {self.depth} bits")
        return cast(Picture, frames[0].to_ndarray())
