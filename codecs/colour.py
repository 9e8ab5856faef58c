"""What codes whole colour pictures: the cloud-only way, with which the paper compares (green in Fig. 5)."""

from typing import Any

import numpy as np
import numpy.typing as npt

from lightning_app.codecs.base import MAX_SAMPLES, Coder
from lightning_app.errors import CodecError


class PictureCodec(Coder):
    """Codes RGB pictures, (H, W, 3) uint8, of any size."""


def check_rgb(picture: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Return `picture`, contiguous, if it is (H, W, 3) uint8."""
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8 or 0 in picture.shape:
        raise CodecError(f"a colour picture must be (H, W, 3) uint8, not {picture.shape} {picture.dtype}")
    if picture.size > 3 * MAX_SAMPLES:
        raise CodecError(f"a picture must be of {MAX_SAMPLES} pixels or fewer, not {picture.size // 3}: shrink it")
    return np.ascontiguousarray(picture)
