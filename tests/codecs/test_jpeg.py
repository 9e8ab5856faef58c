import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lightning_app.codecs import JPEG, ColourJPEG
from lightning_app.errors import CodecError, OptionError

QUALITIES = (10, 30, 50, 75, 90, 100)


def smooth(height: int = 64, width: int = 96) -> npt.NDArray[np.uint8]:
    waves = np.add.outer(np.sin(np.arange(height) / 7), np.cos(np.arange(width) / 11))
    return (127 + 60 * waves).astype(np.uint8)


def colour(height: int = 64, width: int = 96) -> npt.NDArray[np.uint8]:
    return np.stack([smooth(height, width), smooth(height, width)[::-1], smooth(height, width)[:, ::-1]], axis=-1)


def opencv(data: bytes, flags: int) -> npt.NDArray[Any]:
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    assert decoded is not None
    return decoded


def segments(data: bytes) -> dict[str, bytes]:
    """What stands behind each kind of marker, up to the scan."""
    found, at = {}, 2
    while data[at + 1] != 0xDA:
        size = int.from_bytes(data[at + 2 : at + 4], "big")
        found[data[at + 1 : at + 2].hex()] = data[at + 4 : at + 2 + size]
        at += 2 + size
    return found


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 100), st.integers(0, 99))
def test_a_picture_of_any_size_comes_back_in_its_size(height: int, width: int, quality: int, seed: int) -> None:
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)
    grey = JPEG().decode(JPEG().encode(noise[..., 0], quality))
    assert grey.shape == (height, width)
    assert grey.dtype == np.uint8
    rgb = ColourJPEG().decode(ColourJPEG().encode(noise, quality))
    assert rgb.shape == (height, width, 3)
    assert rgb.dtype == np.uint8


def test_a_higher_quality_costs_more_and_errs_less() -> None:
    for codec, picture in ((JPEG(), smooth()), (ColourJPEG(), colour())):
        payloads = [codec.encode(picture, quality) for quality in QUALITIES]
        errors = [float(np.mean((codec.decode(data).astype(float) - picture) ** 2)) for data in payloads]
        assert [len(data) for data in payloads] == sorted(len(data) for data in payloads)
        assert errors == sorted(errors, reverse=True)
        assert errors[-1] < 1


def test_opencv_decodes_the_same_picture() -> None:
    grey = JPEG().encode(smooth(), 60)
    peer = opencv(grey, cv2.IMREAD_UNCHANGED)
    assert np.abs(peer.astype(int) - JPEG().decode(grey)).max() <= 1
    rgb = ColourJPEG().encode(colour(), 60)
    peer = opencv(rgb, cv2.IMREAD_COLOR)[..., ::-1]
    assert np.abs(peer.astype(int) - ColourJPEG().decode(rgb)).max() <= 3


def test_the_files_are_baseline_with_tables_of_their_own() -> None:
    grey = segments(JPEG().encode(smooth(), 60))
    assert set(grey) == {"e0", "db", "c0", "c4"}  # JFIF, quantiser, baseline frame, Huffman tables
    assert grey["c0"][5] == 1
    standard = segments(ColourJPEG().encode(colour(), 60))
    assert set(standard) == {"e0", "db", "c0", "c4"}
    assert [standard["c0"][i] for i in (5, 7, 10, 13)] == [3, 0x22, 0x11, 0x11]  # 4:2:0
    assert len(standard["c4"]) < 179  # the standard's table for chroma AC, whatever the picture


def test_a_flat_picture_is_within_what_a_byte_can_hold() -> None:
    flat = np.full((4096, 4096), 7, np.uint8)
    data = JPEG().encode(flat, 1)
    assert len(data) < flat.size / 200
    assert JPEG().decode(data).shape == flat.shape


@pytest.mark.parametrize("codec", [JPEG(), ColourJPEG()], ids=["grey", "colour"])
@pytest.mark.parametrize("qp", [None, 0, 101, -5, 27.5, True, "75"])
def test_the_qp_is_a_quality(codec: JPEG | ColourJPEG, qp: Any) -> None:
    assert codec.check_qp(np.int64(75)) == 75  # type: ignore[arg-type]
    shown = "lossless" if qp is None else qp
    with pytest.raises(OptionError, match=f"^JPEG's QP is its quality, 1 to 100, not {shown}: set qps"):
        codec.encode(smooth() if isinstance(codec, JPEG) else colour(), qp)


@pytest.mark.parametrize("depth", [10, 12, 32])
def test_jpeg_has_eight_bits(depth: int) -> None:
    with pytest.raises(
        OptionError, match=f"^JPEG takes 8 bits per sample, not {depth}: set the depth to 8, or take HEVC$"
    ):
        JPEG(depth)


def test_what_is_not_such_a_picture_is_refused() -> None:
    grey, rgb = JPEG().encode(smooth(), 60), ColourJPEG().encode(colour(), 60)
    with pytest.raises(CodecError, match="the payload's samples are RGB, but the codec was made for L"):
        JPEG().decode(rgb)
    with pytest.raises(CodecError, match="the payload's samples are L, but the codec was made for RGB"):
        ColourJPEG().decode(grey)
    for broken in (b"", grey[:1], grey[:200], grey[:-3]):
        with pytest.raises(CodecError, match=f"^{len(broken)} bytes are not a JPEG picture$"):
            JPEG().decode(broken)
    at = grey.index(b"\xff\xc0") + 5
    with pytest.raises(CodecError, match=f"^{len(grey)} bytes cannot hold the {8000 * 8000} pixels that they claim$"):
        JPEG().decode(grey[:at] + bytes([0x1F, 0x40, 0x1F, 0x40]) + grey[at + 4 :])


def test_a_side_above_libjpegs_limit_is_refused() -> None:
    with pytest.raises(CodecError, match="JPEG takes sides of 65500 pixels at most, not 65501"):
        JPEG().encode(np.zeros((2, 65501), np.uint8), 50)


@pytest.mark.parametrize("picture", [np.zeros((8, 8), np.uint8), np.zeros((8, 8, 4), np.uint8), np.zeros((8, 8, 3))])
def test_a_colour_codec_takes_three_bytes_a_pixel(picture: Any) -> None:
    message = f"a colour picture must be (H, W, 3) uint8, not {picture.shape} {picture.dtype}"
    with pytest.raises(CodecError, match=f"^{re.escape(message)}$"):
        ColourJPEG().encode(picture, 50)


def test_real_pictures_at_quality_95_look_like_themselves(shared: Path) -> None:
    for path in sorted((shared / "VOCdevkit/VOC2007/JPEGImages").glob("*.jpg"))[:5]:
        picture = np.asarray(Image.open(path).convert("RGB"))
        error = ColourJPEG().decode(ColourJPEG().encode(picture, 95)).astype(float) - picture
        assert 10 * np.log10(255**2 / np.mean(error**2)) > 35
