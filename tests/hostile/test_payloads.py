"""Payloads without their container: damage gives an error or a picture of the codec's kind, and bombs stay small."""

import lzma
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lightning_app.codecs import HEVC, HEVC420, QP, ColourJPEG, Picture, codec_named
from lightning_app.codecs.base import MAX_SAMPLES, sample_type
from lightning_app.codecs.lossless import write_shape

Mutate = Callable[[np.random.Generator, bytes], bytes]
KINDS: list[tuple[str, int, QP]] = [
    ("HEVC", 8, 32), ("HEVC", 10, None), ("HEVC", 12, 27), ("AVC", 8, 30), ("PNG", 8, None), ("PNG", 12, None),
    ("JPEG", 8, 60), ("JPEGLS", 10, None), ("JPEGXL", 8, None), ("JPEGXL", 12, None),
    ("LZMA", 32, None), ("Raw", 8, None), ("HEVC420", 8, 32),
    ("ColourJPEG", 8, 75),
]  # fmt: skip
forms = pytest.mark.parametrize(
    "count", [180, pytest.param(2000, marks=[pytest.mark.soak, pytest.mark.slow, pytest.mark.timeout(7200)])]
)


def waves(*shape: int) -> Any:
    """Noise on waves, from 0 to 1."""
    rows, columns = np.indices(shape)[-2:]
    noise = np.random.default_rng(0).normal(0, 0.03, shape)
    return ((2 + np.sin(rows / 7) + np.cos(columns / 5)) / 4 + noise).clip(0, 1)


def sound(name: str, depth: int, qp: QP, *shape: int) -> bytes:
    if name in ("HEVC420", "ColourJPEG"):
        rgb = np.stack([255 * waves(*shape)] * 3, axis=-1).astype(np.uint8)
        return (HEVC420() if name == "HEVC420" else ColourJPEG()).encode(rgb, qp)
    scale = 1 if depth == 32 else 2**depth - 1
    samples: Picture = (scale * waves(*shape)).astype(sample_type(depth))
    return codec_named(name, depth).encode(samples, qp)


@forms
def test_a_changed_payload_is_refused_or_gives_a_picture_of_its_kind(fuzz: Any, bytewise: Mutate, count: int) -> None:
    outcomes = set()
    for name, depth, qp in KINDS:
        files = [sound(name, depth, qp, 48, 64)]
        if name == "HEVC":
            files.append(HEVC(depth, "best", "inter").encode(sample(depth, 4, 48, 64), qp))
        reports = fuzz.mutated(f"payload {name} {depth}", files, f"a.{name}", count // len(KINDS), bytewise)
        outcomes |= {report.outcome for report in reports}
    assert outcomes == {"fine", "refused"}


def sample(depth: int, *shape: int) -> Picture:
    frames: Picture = ((2**depth - 1) * waves(*shape)).astype(sample_type(depth))
    return frames


def png(width: int, height: int, rows: bytes) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def raw_lzma(size: int) -> bytes:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 2**22, "lc": 4, "lp": 0, "pb": 0}]
    return lzma.compress(bytes(size), lzma.FORMAT_RAW, filters=filters)


def jxl(side: int) -> bytes:
    """A JPEG XL codestream that ends behind the header of a square picture."""
    size = 0 | 3 << 1 | side - 1 << 3 | 1 << 33  # div8, the widest form of a side, the side, the ratio 1
    return b"\xff\x0a" + (size | 0b0_00_0_0 << 36).to_bytes(12, "little") + bytes(64)


SIDE = 2**13  # of the largest square that is decoded
BOMBS = {
    "more pixels than 2 to the 31": ("Raw 8", write_shape((2**31, 2**31)) + bytes(64)),
    "a video of a million frames": ("HEVC 8", bytes([128]) + write_shape((2**20, 16, 16)) + bytes(64)),
    "the largest HEVC picture": ("HEVC 8", bytes([0]) + write_shape((SIDE, SIDE))[1:] + b"\xaf" + bytes(64)),
    "a PNG of 20000 by 20000": ("PNG 8", png(20000, 20000, bytes(20000))),
    "a PNG of 2 to the 31": ("PNG 8", png(2**31 - 1, 2**31 - 1, bytes(2000))),
    "LZMA beyond its claim": ("LZMA 8", write_shape((16, 16)) + raw_lzma(2**24)),
    "a JPEG XL of 2 to the 30": ("JPEGXL 8", jxl(2**30)),
    "the largest JPEG XL": ("JPEGXL 8", jxl(SIDE)),
    "JPEG of 65500 by 65500": ("JPEG 8", sound("JPEG", 8, 60, 48, 64).replace(b"\0\x30\0\x40", b"\xff\xdc\xff\xdc", 1)),
}


@pytest.mark.parametrize("what", BOMBS)
def test_a_small_payload_that_claims_a_large_picture_is_refused_for_little_memory(fuzz: Any, what: str) -> None:
    kind, data = BOMBS[what]
    report = fuzz.open(f"payload {kind}", data, "bomb")
    assert (report.outcome, report.seconds < 5) == ("refused", True), report.said


@pytest.mark.soak
@pytest.mark.slow
def test_the_largest_features_that_are_decoded_take_less_than_a_gigabyte(fuzz: Any) -> None:
    data = write_shape((SIDE, SIDE)) + raw_lzma(4 * MAX_SAMPLES)
    assert len(data) < 2**19
    report = fuzz.open("payload LZMA 32", data, "large")
    assert (report.outcome, report.seconds < 5) == ("fine", True), report.said
