"""HEVC coding of grey (4:0:0) pictures and videos, in process: libx265 encodes and FFmpeg decodes, through PyAV.

The paper codes with HM 16.12, main-RExt, CTU 16, RDOQ off; the settings `paper` are x265's for the same tools.
docs/decisions/x265.md has what they and the others cost in bits and in time.

Every picture and every video gets a fresh encoder, although x265 could be fed picture after picture: x265 writes one
bit of its own signature ("_NJS", indexed by the picture's count modulo 31) into each slice header, as the loop filter's
flag across slices, so the bytes of a kept encoder would depend on what was coded before. Opening costs 1 to 2 ms.

HEVC carries no checksum here: `decode` refuses what breaks the syntax of headers, but FFmpeg makes another picture of
damaged or missing arithmetic-coded samples, and flags no frame as corrupt. A container that crosses an unsafe line must
bring a checksum of its own.
"""

from collections.abc import Iterator
from fractions import Fraction
from typing import cast, get_args

import av
import av.error
import numpy as np

from lightning_app.codecs.base import QP, Codec, Picture, check_depth, check_picture
from lightning_app.codecs.hevc_payload import Payload, PayloadHeader, annex_b, check_sides, pack, unpack
from lightning_app.codecs.x265 import MIN_SIDES, Prediction, Settings, parameters
from lightning_app.errors import CodecError, OptionError

_FORMATS = {8: "gray", 10: "gray10le", 12: "gray12le"}


class HEVC(Codec):
    """HEVC main-RExt 4:0:0, a picture or a video at one QP, without the parameter sets that its header implies.

    Args:
        depth: bits per sample: 8, 10 or 12.
        settings: `paper`, the paper's tools; `best`, with RDOQ and a CTU of 64, for fewer bits; `faster`, for
            less time; `fastest`, for training, in a quarter of the time and with a larger error at the same QP.
        prediction: how the frames of a video are coded: each by itself, or all but the first as P pictures.
    """

    video = True

    def __init__(self, depth: int = 8, settings: Settings = "paper", prediction: Prediction = "intra") -> None:
        if settings not in get_args(Settings):
            raise OptionError(f"settings must be paper, best, faster or fastest, not {settings}")
        if prediction not in get_args(Prediction):
            raise OptionError(f"prediction must be intra or inter, not {prediction}")
        self.depth = check_depth(depth)
        self.min_side = MIN_SIDES[prediction]
        self.settings = settings
        self.prediction = prediction

    def __str__(self) -> str:
        """``HEVC``, ``HEVC/best``, ``HEVC/paper/inter``."""
        parts = ["HEVC", self.settings, self.prediction]
        return "/".join(parts if self.prediction != "intra" else parts[:2] if self.settings != "paper" else parts[:1])

    def encode(self, picture: Picture, qp: QP) -> bytes:
        """Code one picture, (H, W), or a video, (F, H, W), at HM's `qp`, or bit-exactly when it is None."""
        picture = check_picture(picture, self.depth, self.min_side, self.video)
        check_sides(picture.shape, self.prediction)
        header = PayloadHeader(self.settings, self.prediction, self.depth, self.check_qp(qp) is None, picture.shape)
        try:
            stream = b"".join(self._packets(picture.reshape(-1, *picture.shape[-2:]), header, qp))  # (F, H, W)
        except av.error.FFmpegError as error:
            raise CodecError(f"x265 cannot code a picture of {picture.shape} at QP {qp}: {error.strerror}") from error
        return pack(header, stream)

    def decode(self, data: bytes) -> Picture:
        """Decode one payload of `encode` into its (H, W) picture or (F, H, W) video."""
        payload = unpack(data)
        header = payload.header
        if header.depth != self.depth:
            raise CodecError(f"the payload's samples have {header.depth} bits, but the codec was made for {self.depth}")
        try:
            frames = [self._samples(frame, header) for frame in _decoded(payload)]
        except av.error.FFmpegError as error:
            raise CodecError(f"{len(data)} bytes are not an HEVC picture: {error.strerror}") from error
        if len(frames) != header.frames:
            raise CodecError(f"a payload of {header.frames} frames decoded into {len(frames)}")
        return cast(Picture, np.stack(frames).reshape(header.shape))  # (F, H, W) or (H, W)

    @staticmethod
    def annex_b(data: bytes) -> bytes:
        """The standard's own stream (Annex B of H.265), with its parameter sets, of a payload of `encode`.

        Raises:
            CodecError: the bytes are not such a payload.
        """
        return annex_b(unpack(data))

    def _packets(self, frames: Picture, header: PayloadHeader, qp: QP) -> Iterator[bytes]:
        encoder = self._encoder(header, qp)
        for i, samples in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(samples, format=_FORMATS[self.depth])
            frame.pts = i
            yield from map(bytes, encoder.encode(frame))
        yield from map(bytes, encoder.encode(None))

    def _encoder(self, header: PayloadHeader, qp: QP) -> av.VideoCodecContext:
        encoder = av.CodecContext.create("libx265", "w")
        encoder.height, encoder.width = header.shape[-2:]
        encoder.pix_fmt = _FORMATS[self.depth]
        encoder.time_base = Fraction(1)  # demanded, and part of the parameter sets
        rate = {} if qp is None else {"qp": int(qp)}
        # x265 only logs an unknown name and goes on, and we keep its log off: a test reads it.
        encoder.options = {"x265-params": parameters({**header.options(), **rate})}
        return encoder

    def _samples(self, frame: av.VideoFrame, header: PayloadHeader) -> Picture:
        found = frame.format.name, frame.height, frame.width
        if found != (_FORMATS[self.depth], *header.shape[-2:]):
            raise CodecError(f"a frame of {found} came for one of {header.depth} bits and {header.shape[-2:]}")
        return cast(Picture, frame.to_ndarray())


def _decoded(payload: Payload) -> Iterator[av.VideoFrame]:
    """The frames of a payload, as they come."""
    height, width = payload.header.shape[-2:]
    decoder = av.CodecContext.create("hevc", "r")
    decoder.thread_count = 1
    decoder.extradata = b"".join(b"\0\0\0\1" + unit for unit in payload.sets)
    # Damaged parameter sets must not ask for more memory than the header. FFmpeg counts whole blocks and rows of 64.
    decoder.options = {"err_detect": "explode", "max_pixels": str((height + 64) * (width + 64))}
    for unit in payload.slices:
        yield from decoder.decode(av.Packet(b"\0\0\0\1" + unit))
    yield from decoder.decode(None)
