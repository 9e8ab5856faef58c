"""AVC (H.264) intra coding of grey (4:0:0) pictures, in process: libx264 encodes and FFmpeg decodes, through PyAV.

Over the real feature tiles its BD-rate (PSNR against bytes, QP 22 to 37) is +10 % of HM's at 8 bits and +12 % at 10,
and the distortion at a QP is what HM has a step of QP higher. Like `HEVC`, it carries no checksum.
"""

import av
import av.bitstream

from lightning_app.codecs.base import QP, Codec, Picture, check_picture
from lightning_app.codecs.stream import decode_frame, encode_frame, grey_format, grey_samples
from lightning_app.errors import OptionError

_X264 = {
    "ipratio": "1.0",  # a true QP: no offset for intra pictures
    "psy": 0,  # distortion as plain squared error
    "keyint": 1,  # intra only, which makes the parameter sets shorter
}


class AVC(Codec):
    """AVC 4:0:0, intra, as raw Annex-B streams with their parameter sets.

    Args:
        depth: bits per sample: 8 or 10.
    """

    def __init__(self, depth: int = 8) -> None:
        self._format = grey_format("AVC", "libx264", depth)
        self.depth = depth

    def check_qp(self, qp: QP) -> QP:
        """Return `qp` if it is None or 0 to 51, but not 0 at 8 bits, which x264 takes for lossless."""
        if super().check_qp(qp) == 0 and self.depth == 8:
            raise OptionError("AVC's QP must be lossless or 1 to 51 at 8 bits, not 0: x264 takes it for lossless")
        return qp

    def encode(self, picture: Picture, qp: QP) -> bytes:
        """Code one (H, W) picture at the QP of the H.264 standard, or bit-exactly when it is None."""
        picture = check_picture(picture, self.depth, self.min_side)
        frame = av.VideoFrame.from_ndarray(picture, format=self._format)
        return _without_sei(encode_frame(frame, "libx264", self._options(self.check_qp(qp))))

    def decode(self, data: bytes) -> Picture:
        """Decode one payload of `encode` into its (H, W) picture."""
        return grey_samples(decode_frame(data, "h264"), self.depth)

    def _options(self, qp: QP) -> dict[str, str]:
        # x264 counts from the standard's lowest QP, -6 per bit above 8.
        rate = {"qp": 0 if qp is None else qp + 6 * (self.depth - 8)}
        # x264 only logs an unknown name and goes on: a test reads it.
        parameters = ":".join(f"{name}={value}" for name, value in {**_X264, **rate}.items())
        return {"preset": "veryslow", "x264-params": parameters}


def _without_sei(data: bytes) -> bytes:
    """Leave out the 500 bytes in which x264 writes down its version and settings."""
    filter_ = av.bitstream.BitStreamFilterContext("filter_units=remove_types=6", "h264")
    return b"".join(bytes(packet) for packet in [*filter_.filter(av.Packet(data)), *filter_.filter(None)])
