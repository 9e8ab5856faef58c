"""What codes whole colour pictures: the cloud-only way, with which the paper compares (green in Fig. 5)."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import numpy.typing as npt

from lightning_app.codecs.base import MAX_SAMPLES, QP, Picture
from lightning_app.errors import CodecError


class PictureCodec(ABC):
    """Codes RGB pictures, (H, W, 3) uint8, of any size.

    Like a `Codec`, it keeps no state between pictures and goes to worker processes by pickling.
    """

    @abstractmethod
    def check_qp(self, qp: QP) -> QP:
        """Return `qp` if this codec codes at it.

        Raises:
            OptionError: If it does not; the message says what it takes.
        """

    @abstractmethod
    def encode(self, picture: Picture, qp: QP) -> bytes:
        """Code one (H, W, 3) picture into a payload that decodes by itself.

        Raises:
            CodecError: If the picture does not fit the codec.
            OptionError: If the QP is out of range.
        """

    @abstractmethod
    def decode(self, data: bytes) -> Picture:
        """Decode a payload of `encode` into a picture of the size that was coded.

        Raises:
            CodecError: If the bytes are not such a payload.
        """


def check_rgb(picture: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Return `picture`, contiguous, if it is (H, W, 3) uint8."""
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8 or 0 in picture.shape:
        raise CodecError(f"a colour picture must be (H, W, 3) uint8, not {picture.shape} {picture.dtype}")
    if picture.size > 3 * MAX_SAMPLES:
        raise CodecError(f"a picture must be of {MAX_SAMPLES} pixels or fewer, not {picture.size // 3}: shrink it")
    return np.ascontiguousarray(picture)
