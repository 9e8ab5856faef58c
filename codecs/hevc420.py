"""HEVC intra coding of colour pictures, 4:2:0 of 8 bits: libx265 encodes and FFmpeg decodes, through PyAV.

The settings are `best` of `x265`, as a video codec is normally used on pictures: CTU 64, RDOQ on. RGB turns into
BT.601 of limited range and back, chroma centred between four pixels, as in JPEG, by bicubic filters. Both ways together
leave 46 to 52 dB of PSNR on VOC's photographs, and 2 dB less at full range.

Like `HEVC`, it carries no checksum: `decode` refuses what breaks the syntax, and damage inside the arithmetic-coded
samples gives another picture.
"""

from typing import cast

import av
import numpy as np
import numpy.typing as npt
from av.video.reformatter import ColorRange, Colorspace, Interpolation

from lightning_app.codecs.base import QP, Picture
from lightning_app.codecs.colour import PictureCodec, check_rgb
from lightning_app.codecs.lossless import read_shape, write_shape
from lightning_app.codecs.stream import decode_frame, encode_frame
from lightning_app.codecs.x265 import MIN_SIDES, options, parameters
from lightning_app.errors import CodecError

# Without the flags FFmpeg takes short cuts that cost 7 dB, and other ones on other processors.
_EXACT = (
    Interpolation.BICUBIC
    | Interpolation.ACCURATE_RND
    | Interpolation.BITEXACT
    | Interpolation.FULL_CHR_H_INT
    | Interpolation.FULL_CHR_H_INP
)


class HEVC420(PictureCodec):
    """HEVC main, 4:2:0, intra, behind the picture's size.

    Lossless is so for the 4:2:0 picture. Sides are made even, and 16 pixels or more, by repeating the edge, and the
    decoder cuts them back.
    """

    def encode(self, picture: Picture, qp: QP) -> bytes:
        """Code one (H, W, 3) picture at HM's `qp`."""
        rgb = check_rgb(picture)
        rate = {} if (qp := self.check_qp(qp)) is None else {"qp": qp}
        frame = _to_yuv(av.VideoFrame.from_ndarray(_padded(rgb), format="rgb24"))
        tools = options("best", "intra", qp is None, frame.height, frame.width)
        x265 = {"x265-params": parameters({**tools, **rate})}
        return write_shape(rgb.shape[:2]) + encode_frame(frame, "libx265", x265)

    def decode(self, data: bytes) -> Picture:
        """Decode one payload of `encode` into its (H, W, 3) picture."""
        shape, stream = read_shape(data)
        frame = decode_frame(stream, "hevc")
        if frame.format.name != "yuv420p" or [frame.height, frame.width] != [_side(length) for length in shape]:
            raise CodecError(f"a {frame.format.name} picture of {frame.height}×{frame.width} came for one of {shape}")
        return _to_rgb(frame)[: shape[0], : shape[1]].copy()


def _side(length: int) -> int:
    return max(MIN_SIDES["intra"], length + length % 2)


def _padded(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    height, width, _ = rgb.shape
    return np.pad(rgb, ((0, _side(height) - height), (0, _side(width) - width), (0, 0)), mode="edge")


def _to_yuv(frame: av.VideoFrame) -> av.VideoFrame:
    return _converted(frame, "yuv420p", ColorRange.JPEG, ColorRange.MPEG)


def _to_rgb(frame: av.VideoFrame) -> npt.NDArray[np.uint8]:
    # Only the samples: FFmpeg's decoder says that chroma stands on the left, where `_to_yuv` did not put it.
    samples = av.VideoFrame.from_ndarray(frame.to_ndarray(), format="yuv420p")
    return cast(npt.NDArray[np.uint8], _converted(samples, "rgb24", ColorRange.MPEG, ColorRange.JPEG).to_ndarray())


def _converted(frame: av.VideoFrame, format_: str, source: ColorRange, target: ColorRange) -> av.VideoFrame:
    return frame.reformat(
        format=format_,
        src_colorspace=Colorspace.ITU601,
        dst_colorspace=Colorspace.ITU601,
        src_color_range=source,
        dst_color_range=target,
        interpolation=_EXACT,
        threads=1,
    )
