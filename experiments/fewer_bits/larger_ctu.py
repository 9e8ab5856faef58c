"""HEVC with the paper's tools and a larger coding tree unit (CTU), as an experiment.

The program codes with a CTU of 16, as the paper does, or as `HEVC/best` with 64 and RDOQ.
"""

from __future__ import annotations

from dataclasses import dataclass

from lightning_app.codecs import HEVC, QP, Picture
from lightning_app.codecs.base import check_picture
from lightning_app.codecs.hevc_payload import PayloadHeader, pack, sizes, unpack

IN_FULL = 1 << 6
"""The bit of a payload's first byte that says that it carries its parameter sets."""


@dataclass(frozen=True)
class LargerHeader(PayloadHeader):
    """What a payload says before its NAL units, and the CTU, which both sides know.

    Attributes:
        ctu: side of the coding tree unit, in pixels.
    """

    ctu: int

    def options(self) -> dict[str, int]:
        """x265's options, without the QP; the largest transform of HEVC has 32×32 coefficients."""
        return {**super().options(), "ctu": self.ctu, "max-tu-size": min(self.ctu, 32)}


class LargerCTU(HEVC):
    """HEVC with the settings `paper` and another CTU, for pictures.

    Args:
        ctu: side of the coding tree unit, in pixels: 32 or 64. A picture may not be smaller.
        depth: bits per sample: 8, 10 or 12.
    """

    video = False

    def __init__(self, ctu: int, depth: int = 8) -> None:
        super().__init__(depth)
        self.ctu = self.min_side = ctu

    def __str__(self) -> str:
        """``HEVC/paper/CTU64``."""
        return f"HEVC/paper/CTU{self.ctu}"

    def encode(self, picture: Picture, qp: QP) -> bytes:
        """Code one picture, (H, W), at HM's `qp`, or bit-exactly when it is None."""
        picture = check_picture(picture, self.depth, self.min_side)
        header = self._header(picture.shape, self.check_qp(qp) is None)
        return pack(header, b"".join(self._packets(picture[None], header, qp)))

    def decode(self, data: bytes) -> Picture:
        """Decode one payload of `encode`: HEVC does, once it has the parameter sets of this CTU."""
        head, payload = bytearray(data[: sizes(data)["header"]]), unpack(data)
        sets = payload.sets
        if not head[0] & IN_FULL:
            sets = self._header(payload.header.shape, payload.header.lossless).parameter_sets()
        head[0] |= IN_FULL
        return super().decode(bytes(head) + b"\0\0\1".join([*sets, *payload.slices]))

    def _header(self, shape: tuple[int, ...], lossless: bool) -> LargerHeader:
        return LargerHeader(self.settings, self.prediction, self.depth, lossless, shape, self.ctu)
