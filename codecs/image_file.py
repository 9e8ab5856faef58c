"""Reading picture files that come from a payload, with Pillow."""

import io
import warnings
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from lightning_app.codecs.base import MAX_SAMPLES
from lightning_app.errors import CodecError

_PIXELS_PER_BYTE = 1032
"""Deflate's limit; the Huffman codes of a baseline JPEG end at 256."""


def read_image(data: bytes, kind: Literal["PNG", "JPEG"], mode: Literal["L", "I;16", "RGB"]) -> npt.NDArray[Any]:
    """Decode a file of one kind and one of Pillow's modes: (H, W) uint8 or uint16, or (H, W, 3) uint8.

    Raises:
        CodecError: the bytes are not such a file, or claim more pixels than they can hold.
    """
    from PIL import Image  # here, so that a worker that codes otherwise does not load it

    try:
        with warnings.catch_warnings(action="error"), Image.open(io.BytesIO(data), formats=(kind,)) as image:
            _check(image.mode, image.width * image.height, mode, len(data))
            return np.array(image)
    except CodecError:
        raise
    except Exception as error:  # Pillow's readers raise all kinds at broken bytes
        raise CodecError(f"{len(data)} bytes are not a {kind} picture") from error


def _check(found: str, pixels: int, mode: str, size: int) -> None:
    if found != mode:
        raise CodecError(f"the payload's samples are {found}, but the codec was made for {mode}")
    if pixels > min(MAX_SAMPLES, _PIXELS_PER_BYTE * size):
        raise CodecError(f"{size} bytes cannot hold the {pixels} pixels that they claim")
