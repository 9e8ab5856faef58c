"""AV1 intra coding of grey (4:0:0) pictures by libaom, where PyAV was built with it; dav1d decodes.

Of AV1's encoders only libaom takes grey pictures. PyAV's wheels had it up to version 16.
"""

import av

from lightning_app.codecs.base import QP, Codec, Picture, check_picture, in_range
from lightning_app.codecs.stream import decode_frame, encode_frame, grey_format, grey_samples
from lightning_app.errors import OptionError

MAX_QP = 63


class AV1(Codec):
    """AV1 monochrome, all intra, as one temporal unit of OBUs. Its QP is libaom's quantiser, 1 to 63, not HEVC's.

    Args:
        depth: Bits a sample: 8, 10 or 12.
    """

    def __init__(self, depth: int = 8) -> None:
        self._format = grey_format("AV1", "libaom-av1", depth)
        self.depth = depth

    def check_qp(self, qp: QP) -> QP:
        """Return `qp` if it is None or 1 to 63."""
        return check_av1_qp(qp)

    def encode(self, picture: Picture, qp: QP) -> bytes:
        """Code one (H, W) picture at libaom's quantiser `qp`, or bit-exactly when it is None."""
        rate = self.check_qp(qp) or 0  # the quantiser 0 is lossless
        picture = check_picture(picture, self.depth, self.min_side)
        frame = av.VideoFrame.from_ndarray(picture, format=self._format)
        return encode_frame(frame, "libaom-av1", {"usage": "allintra", "crf": str(rate)})

    def decode(self, data: bytes) -> Picture:
        """Decode one payload of `encode` into its (H, W) picture."""
        return grey_samples(decode_frame(data, "libdav1d"), self.depth)


def check_av1_qp(qp: QP) -> QP:
    """Return `qp` if it is None or a whole number from 1 to 63."""
    if qp is None:
        return None
    if not in_range(qp, 1, MAX_QP):
        raise OptionError(f"AV1's QP must be lossless or 1 to {MAX_QP}, not {qp}")
    return int(qp)
