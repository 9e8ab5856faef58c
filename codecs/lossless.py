"""What the lossless codecs share: no rate to choose, and samples as bytes behind a tiny header."""

import sys
from abc import abstractmethod
from math import prod

import numpy as np

from lightning_app.codecs.base import (
    DEPTHS,
    FLOAT,
    MAX_SAMPLES,
    QP,
    Codec,
    Picture,
    check_depth,
    check_picture,
    sample_type,
)
from lightning_app.codecs.varint import read_varint, write_varint
from lightning_app.errors import CodecError, OptionError


class Lossless(Codec):
    """A codec without a rate: its only QP is None."""

    def check_qp(self, qp: QP) -> QP:
        """Return None, the only QP of a lossless codec."""
        if qp is not None:
            raise OptionError(f"{type(self).__name__} is lossless and knows no QP {qp}: set qps to [lossless]")
        return None


class PictureFile(Lossless):
    """One picture of whole numbers, exactly, in an image format that a subclass writes and reads.

    Args:
        depth: bits per sample: 8, 10 or 12.
    """

    def __init__(self, depth: int = 8) -> None:
        self.depth = check_depth(depth)

    def encode(self, picture: Picture, qp: QP) -> bytes:
        """Code one (H, W) picture exactly."""
        self.check_qp(qp)
        return self.write(check_picture(picture, self.depth, self.min_side))

    def decode(self, data: bytes) -> Picture:
        """Decode one payload of `encode` into its (H, W) picture."""
        return check_picture(self.read(data), self.depth, self.min_side)

    @abstractmethod
    def write(self, picture: Picture) -> bytes:
        """The file of a picture (H, W), whose samples are checked."""

    @abstractmethod
    def read(self, data: bytes) -> Picture:
        """The inverse of `write`; what it gives is checked.

        Raises:
            CodecError: the bytes are no such file, or of another depth.
        """


class SampleCodec(Lossless):
    """Any shape of picture or video as little-endian samples, which a subclass compresses, behind their shape.

    The bytes carry no checksum: a container that crosses an unsafe line must bring one of its own.

    Args:
        depth: bits per sample: 8, 10 or 12, or 32 for float32.
    """

    video = True

    def __init__(self, depth: int = 8) -> None:
        if depth not in (*DEPTHS, FLOAT):
            raise OptionError(f"depth must be 8, 10, 12 or, for float32, {FLOAT}, not {depth}")
        self.depth = int(depth)

    def encode(self, picture: Picture, qp: QP) -> bytes:
        """Code one picture, (H, W), or a video, (F, H, W), exactly."""
        self.check_qp(qp)
        picture = check_picture(picture, self.depth, self.min_side, self.video)
        return write_shape(picture.shape) + self.compress(_swapped(picture).tobytes())

    def decode(self, data: bytes) -> Picture:
        """Decode one payload of `encode` into its picture or video."""
        shape, body = read_shape(data)
        dtype = sample_type(self.depth)
        samples = self.decompress(body, prod(shape) * dtype.itemsize)
        picture = _swapped(np.frombuffer(samples, dtype).reshape(shape).copy())
        return check_picture(picture, self.depth, self.min_side, self.video)

    @property
    def sample_bytes(self) -> int:
        """Bytes per sample."""
        return sample_type(self.depth).itemsize

    @abstractmethod
    def compress(self, samples: bytes) -> bytes:
        """Samples, `sample_bytes` each, in fewer bytes."""

    @abstractmethod
    def decompress(self, data: bytes, size: int) -> bytes:
        """The inverse of `compress`: `size` bytes of samples.

        Raises:
            CodecError: `data` does not hold exactly as many; what it claims to hold is not allocated before.
        """


def to_planes(samples: bytes, width: int) -> bytes:
    """The first bytes of all samples, then all second bytes, and so on: samples of `width` bytes compress better so.

    The bytes of one significance resemble each other; in turns, they break each other's patterns.
    """
    return np.frombuffer(samples, np.uint8).reshape(-1, width).T.tobytes()  # (samples, width) -> (width, samples)


def from_planes(planes: bytes, width: int) -> bytes:
    """The inverse of `to_planes`."""
    return np.frombuffer(planes, np.uint8).reshape(width, -1).T.tobytes()  # (width, samples) -> (samples, width)


def write_shape(shape: tuple[int, ...]) -> bytes:
    """The header: F, 0 for a single picture, then H and W, each as a varint."""
    frames, height, width = shape if len(shape) == 3 else (0, *shape)
    return b"".join(write_varint(number) for number in (frames, height, width))


def read_shape(data: bytes) -> tuple[tuple[int, ...], bytes]:
    """The shape that a payload claims, and the bytes behind the header.

    Raises:
        CodecError: there is no such header, or it claims no samples or more than `MAX_SAMPLES`.
    """
    numbers, at = [], 0
    for _ in range(3):
        number, at = read_varint(data, at)
        numbers.append(number)
    shape = tuple(numbers[1:] if numbers[0] == 0 else numbers)
    if not 0 < prod(shape) <= MAX_SAMPLES:
        raise CodecError(f"the payload claims a shape of {shape}: it is damaged, or of another codec")
    return shape, data[at:]


def _swapped(picture: Picture) -> Picture:
    """This machine's order of bytes to little-endian, and back."""
    return picture.byteswap() if sys.byteorder == "big" else picture
