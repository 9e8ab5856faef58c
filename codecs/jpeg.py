"""Baseline JPEG by Pillow (libjpeg): of grey pictures, and of colour pictures for the cloud-only way."""

import io
from typing import cast

from lightning_app.codecs.base import QP, Codec, Picture, check_picture, in_range
from lightning_app.codecs.colour import PictureCodec, check_rgb
from lightning_app.codecs.image_file import read_image
from lightning_app.errors import CodecError, OptionError

MAX_SIDE = 65500  # libjpeg's limit, in pixels


class JPEG(Codec):
    """Baseline JPEG of one grey component, with Huffman tables made for the picture. Its QP is the quality, 1 to 100.

    Args:
        depth: bits per sample: 8.
    """

    def __init__(self, depth: int = 8) -> None:
        if depth != 8:
            raise OptionError(f"JPEG takes 8 bits per sample, not {depth}: set the depth to 8, or take HEVC")
        self.depth = depth

    def check_qp(self, qp: QP) -> QP:
        """Return `qp` if it is a quality, 1 to 100."""
        return check_quality(qp)

    def step(self, qp: QP) -> float:
        """The step of a block's mean, the finest of its 64, at a quality (ITU-T T.81, Table K.1, scaled by libjpeg)."""
        quality = int(check_quality(qp) or 0)
        percent = 5000 / quality if quality < 50 else 200 - 2 * quality
        return max(1.0, 16 * percent / 100) / 256

    def encode(self, picture: Picture, qp: QP) -> bytes:
        """Code one (H, W) picture at the quality `qp`."""
        return _write(check_picture(picture, self.depth, self.min_side), self.check_qp(qp))

    def decode(self, data: bytes) -> Picture:
        """Decode one payload of `encode` into its (H, W) picture."""
        return cast(Picture, read_image(data, "JPEG", "L"))


class ColourJPEG(PictureCodec):
    """Baseline JPEG, 4:2:0, with Huffman tables made for the picture. Its QP is the quality, 1 to 100."""

    def check_qp(self, qp: QP) -> QP:
        """Return `qp` if it is a quality, 1 to 100."""
        return check_quality(qp)

    def encode(self, picture: Picture, qp: QP) -> bytes:
        """Code one (H, W, 3) picture at the quality `qp`."""
        return _write(check_rgb(picture), self.check_qp(qp))

    def decode(self, data: bytes) -> Picture:
        """Decode one payload of `encode` into its (H, W, 3) picture."""
        return cast(Picture, read_image(data, "JPEG", "RGB"))


def check_quality(qp: QP) -> QP:
    """Return `qp` if it is a JPEG quality: a whole number from 1 to 100."""
    if not in_range(qp, 1, 100):
        shown = "lossless" if qp is None else qp
        raise OptionError(f"JPEG's QP is its quality, 1 to 100, not {shown}: set qps to such as [90, 50]")
    return int(qp)


def _write(picture: Picture, quality: QP) -> bytes:
    from PIL import Image

    if max(picture.shape) > MAX_SIDE:
        raise CodecError(f"JPEG takes sides of {MAX_SIDE} pixels at most, not {max(picture.shape)}: tile it otherwise")
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=quality, subsampling="4:2:0", optimize=True)
    return file.getvalue()
