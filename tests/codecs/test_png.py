import io
import struct
import warnings
import zlib
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lightning_app.codecs import PNG
from lightning_app.errors import CodecError, OptionError


def noise(depth: int, height: int, width: int, seed: int = 0) -> Any:
    picture = np.random.default_rng(seed).integers(0, 2**depth, (height, width))
    return picture.astype(np.uint8) if depth == 8 else picture.astype(np.uint16)


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def file(height: int, width: int, rows: bytes, bits: int = 8, colour: int = 0) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 50), st.integers(1, 50), st.sampled_from([8, 10, 12]), st.integers(0, 99))
def test_any_picture_comes_back_exactly(height: int, width: int, depth: int, seed: int) -> None:
    picture = noise(depth, height, width, seed)
    decoded = PNG(depth).decode(PNG(depth).encode(picture, None))
    assert decoded.dtype == picture.dtype
    np.testing.assert_array_equal(decoded, picture)


@pytest.mark.parametrize("depth", [8, 10, 12])
def test_opencv_reads_the_same_samples(depth: int) -> None:
    picture = noise(depth, 30, 41)
    file_ = np.frombuffer(PNG(depth).encode(picture, None), np.uint8)
    read = cv2.imdecode(file_, cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(read, picture << (-depth % 8))


def test_a_file_holds_the_picture_and_nothing_else() -> None:
    data = PNG().encode(noise(8, 30, 41), None)
    kinds, at = [], 8
    while at < len(data):
        (size,) = struct.unpack(">I", data[at : at + 4])
        kinds.append(data[at + 4 : at + 8])
        at += 12 + size
    assert kinds == [b"IHDR", b"IDAT", b"IEND"]


@pytest.mark.parametrize("depth", [8, 10, 12])
def test_no_setting_of_pillows_is_much_smaller(depth: int) -> None:
    smooth = np.add.outer(np.arange(96), np.arange(128)) * (2**depth - 1) / 222
    picture = smooth + np.random.default_rng(0).normal(0, 2 ** (depth - 6), smooth.shape)
    picture = picture.clip(0, 2**depth - 1).astype(np.uint8 if depth == 8 else np.uint16)
    sizes = []
    for optimize in (True, False):
        for strategy in range(5):
            buffer = io.BytesIO()
            options: dict[str, Any] = {"optimize": optimize, "compress_level": 9, "compress_type": strategy}
            Image.fromarray(picture).save(buffer, "PNG", **options)
            sizes.append(len(buffer.getvalue()))
    assert len(PNG(depth).encode(picture, None)) <= 1.005 * min(sizes)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "0 bytes are not a PNG picture"),
        (b"\x89PNG\r\n\x1a\n", "8 bytes are not a PNG picture"),
        (PNG().encode(noise(8, 9, 9), None)[:80], "80 bytes are not a PNG picture"),
        (file(4, 4, bytes(20), colour=3), "bytes are not a PNG picture|the payload's samples are P"),
        (file(4, 4, bytes(36), bits=16), "the payload's samples are I;16, but the codec was made for L"),
        (file(4, 4, bytes(52), colour=2), "the payload's samples are RGB, but the codec was made for L"),
        (file(4000, 4000, bytes(100)), "bytes cannot hold the 16000000 pixels that they claim"),
        (file(2**31 - 1, 2**31 - 1, bytes(100)), "bytes are not a PNG picture"),
        (file(10000, 10000, bytes(100)), "bytes are not a PNG picture"),
        (file(8300, 8300, bytes(8301 * 8300)), "bytes cannot hold the 68890000 pixels that they claim"),
    ],
)
def test_what_is_not_such_a_picture_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(CodecError, match=message):
        PNG().decode(data)


def test_a_gigantic_claim_is_refused_without_a_warning() -> None:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        for side in (10000, 20000):
            with pytest.raises(CodecError, match="bytes are not a PNG picture"):
                PNG().decode(file(side, side, bytes(100)))
    assert seen == []


def test_a_payload_of_another_depth_is_refused() -> None:
    odd = noise(12, 8, 8) | 1
    with pytest.raises(CodecError, match="samples have more than the 10 bits that the codec was made for"):
        PNG(10).decode(PNG(12).encode(odd, None))
    with pytest.raises(OptionError, match=r"^depth must be 8, 10 or 12, not 32$"):
        PNG(32)
