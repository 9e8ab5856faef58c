"""VVC (H.266) intra coding of grey (4:0:0) pictures by libvvenc, where PyAV has it and it takes grey pictures."""

import av

from lightning_app.codecs.base import QP, Codec, Picture, check_picture
from lightning_app.codecs.stream import decode_frame, encode_frame, grey_format, grey_samples
from lightning_app.errors import OptionError


class VVC(Codec):
    """VVC 4:0:0, intra, as raw Annex-B streams with their parameter sets.

    Args:
        depth: Bits a sample: 8, 10 or 12.
    """

    def __init__(self, depth: int = 8) -> None:
        self._format = grey_format("VVC", "libvvenc", depth)
        self.depth = depth

    def check_qp(self, qp: QP) -> QP:
        """Return `qp` if it is 0 to 51: FFmpeg's libvvenc has no lossless way."""
        if qp is None:
            raise OptionError("VVC's QP must be 0 to 51, not lossless")
        return super().check_qp(qp)

    def encode(self, picture: Picture, qp: QP) -> bytes:
        """Code one (H, W) picture at the QP of the H.266 standard."""
        picture = check_picture(picture, self.depth, self.min_side)
        frame = av.VideoFrame.from_ndarray(picture, format=self._format)
        return encode_frame(frame, "libvvenc", {"qp": str(self.check_qp(qp)), "qpa": "0"})

    def decode(self, data: bytes) -> Picture:
        """Decode one payload of `encode` into its (H, W) picture."""
        return grey_samples(decode_frame(data, "vvc"), self.depth)
