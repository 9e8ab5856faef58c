"""What every codec is: one picture in, bytes out, and the same-shaped picture back."""

from abc import ABC, abstractmethod
from typing import Any, TypeAlias, TypeGuard

import numpy as np
import numpy.typing as npt

from lightning_app.errors import CodecError, OptionError

QP: TypeAlias = int | None
"""A codec's rate parameter: for HEVC and AVC the quantisation parameter, 0 to 51; None is lossless."""

Picture: TypeAlias = npt.NDArray[np.uint8] | npt.NDArray[np.uint16] | npt.NDArray[np.float32]
"""(H, W) samples, or (F, H, W) for F frames of a video: uint8 at depth 8, uint16 at 10 and 12, float32 at 32."""

DEPTHS = (8, 10, 12)
FLOAT = 32
"""The depth of float32 samples: features that were not quantised (Fig. 2a of the paper)."""
MAX_QP = 51
MAX_SAMPLES = 2**26
"""The most samples of a picture or video: no payload that claims more is decoded."""


class Coder(ABC):
    """Turns pictures of one kind into bytes and back.

    A coder costs nothing to construct, keeps no state between pictures and can be pickled, so a copy of it goes to
    every worker process and each picture's bytes depend only on that picture and its QP.
    """

    def __str__(self) -> str:
        """Its name, with the settings that are not its defaults."""
        return type(self).__name__

    def check_qp(self, qp: QP) -> QP:
        """Return `qp` if this coder codes at it: by default HEVC's range and None.

        Raises:
            OptionError: it does not; the message says what it takes.
        """
        return check_qp(qp)

    def step(self, qp: QP) -> float:
        """The step by which coefficients are quantised at a QP, as a share of the range of a sample; 0 if lossless.

        By default it is HEVC's and AVC's: the same share at every depth, and twice as large for every 6 QPs.

        Raises:
            OptionError: the coder's QP does not say its step.
        """
        return 0.0 if qp is None else float(2 ** ((qp - 4) / 6) / 256)

    @abstractmethod
    def encode(self, picture: Picture, qp: QP) -> bytes:
        """Code one picture of its kind into a payload that decodes by itself.

        Raises:
            CodecError: the picture does not fit the coder.
            OptionError: the QP is out of range.
        """

    @abstractmethod
    def decode(self, data: bytes) -> Picture:
        """Decode a payload of `encode` into a picture of the shape that was coded.

        Raises:
            CodecError: the bytes are not such a payload.
        """


class Codec(Coder):
    """Codes grey pictures, (H, W), and some also videos, (F, H, W).

    Attributes:
        depth: bits per sample: 8, 10 or 12, or 32 for float32.
        min_side: the smallest picture side that the codec takes, in pixels.
        video: whether it takes the frames of a video, (F, H, W), beside single pictures, (H, W).
    """

    depth: int
    min_side: int = 1
    video: bool = False


def check_depth(depth: int) -> int:
    """Return `depth`, bits per sample, if the quantiser and the codecs of its pictures take it.

    Raises:
        OptionError: it is not 8, 10 or 12.
    """
    if depth not in DEPTHS:
        raise OptionError(f"depth must be 8, 10 or 12, not {depth}")
    return int(depth)


def check_qp(qp: QP) -> QP:
    """Return `qp` if it is None or a whole number from 0 to 51.

    Raises:
        OptionError: it is not.
    """
    if qp is None:
        return None
    if not in_range(qp, 0, MAX_QP):
        raise OptionError(f"QP must be lossless or 0 to {MAX_QP}, not {qp}")
    return int(qp)


def in_range(qp: QP, lowest: int, highest: int) -> TypeGuard[int]:
    """Whether `qp` is a whole number from `lowest` to `highest`."""
    return isinstance(qp, (int, np.integer)) and not isinstance(qp, bool) and lowest <= qp <= highest


def sample_type(depth: int) -> np.dtype[Any]:
    """What the samples of a depth are kept in."""
    return np.dtype({8: np.uint8, FLOAT: np.float32}.get(depth, np.uint16))


def check_picture(picture: npt.NDArray[Any], depth: int, min_side: int = 1, video: bool = False) -> Picture:
    """Return `picture`, contiguous, if it is (H, W) samples of `depth` bits with sides of `min_side` pixels or more.

    With `video` it may be (F, H, W) too.

    Raises:
        CodecError: it is not; the message says what is wrong.
    """
    dtype = sample_type(depth)
    if picture.ndim != 2 and not (video and picture.ndim == 3):
        raise CodecError(f"a picture must be (H, W){' or (F, H, W)' if video else ''}, not of shape {picture.shape}")
    if picture.dtype != dtype:
        raise CodecError(f"a picture of {depth} bits must be {dtype}, not {picture.dtype}")
    if 0 in picture.shape or min(picture.shape[-2:]) < min_side:
        height, width = picture.shape[-2:]
        raise CodecError(f"a picture must be {min_side} pixels or more on each side, not {height}×{width}: pad it")
    if picture.size > MAX_SAMPLES:
        raise CodecError(f"a picture must be of {MAX_SAMPLES} samples or fewer, not {picture.size}: split it")
    if depth < 8 * dtype.itemsize and picture.max() >= 2**depth:
        raise CodecError(f"a sample of {depth} bits must be below {2**depth}, not {picture.max()}")
    return np.ascontiguousarray(picture)
