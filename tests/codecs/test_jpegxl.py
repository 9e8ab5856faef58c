"""JPEG XL: what the first bits of a codestream claim, and what is not a plain grey picture."""

import numpy as np
import pillow_jxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lightning_app.codecs import JPEGXL, codec_named
from lightning_app.codecs.base import sample_type
from lightning_app.codecs.jpegxl_header import SIGNATURE, claimed_shape
from lightning_app.errors import CodecError, OptionError

depths = pytest.mark.parametrize("depth", [8, 10, 12])


def codestream(mode: str, height: int, width: int) -> bytes:
    samples = bytes(height * width * {"L": 1, "LA": 2, "RGB": 3, "F": 4}[mode])
    return bytes(pillow_jxl.Encoder(mode=mode, lossless=True, effort=1)(samples, width, height, jpeg_encode=False))


@settings(deadline=None, max_examples=60)
@given(height=st.integers(1, 700), width=st.integers(1, 700), depth=st.sampled_from([8, 10, 12]))
def test_the_shape_is_read_from_the_first_bits_as_libjxl_wrote_them(height: int, width: int, depth: int) -> None:
    picture = np.zeros((height, width), sample_type(depth))
    assert claimed_shape(JPEGXL(depth, effort=1).encode(picture, None)) == (height, width)


@pytest.mark.parametrize("shape", [(4, 3), (12, 10), (120, 160), (100, 150), (90, 160), (40, 50), (64, 128), (1, 9000)])
def test_so_are_the_shapes_for_which_the_standard_has_a_short_form(shape: tuple[int, int]) -> None:
    assert claimed_shape(JPEGXL(effort=1).encode(np.zeros(shape, np.uint8), None)) == shape


@depths
def test_a_payload_is_a_bare_codestream_and_its_claim_is_checked_first(depth: int) -> None:
    data = JPEGXL(depth).encode(np.zeros((16, 16), sample_type(depth)), None)
    assert data.startswith(SIGNATURE)
    for broken in (data[:2], data[:4], b"", b"\xff\x0b" + data[2:]):
        with pytest.raises(CodecError, match="JPEG XL codestream"):
            JPEGXL(depth).decode(broken)


@pytest.mark.parametrize(
    ("mode", "sentence"),
    [("LA", "further channels"), ("RGB", "a JPEG XL picture of"), ("F", "a JPEG XL picture of")],
)
def test_what_is_no_plain_grey_picture_is_refused(mode: str, sentence: str) -> None:
    data = codestream(mode, 20, 30)
    with pytest.raises(CodecError, match=sentence):
        JPEGXL().decode(data[data.index(SIGNATURE) :])


def test_a_picture_of_another_depth_is_refused() -> None:
    data = JPEGXL(12).encode(np.full((8, 8), 4095, np.uint16), None)
    with pytest.raises(CodecError, match="of 8 bits"):
        JPEGXL(8).decode(data)
    with pytest.raises(CodecError, match="a sample of 10 bits must be below 1024, not 4095"):
        JPEGXL(10).decode(data)


def test_more_effort_gives_fewer_bytes() -> None:
    rows, columns = np.indices((96, 96))
    noise = np.random.default_rng(0).normal(0, 3, (96, 96))
    picture = (128 + 50 * np.sin(rows / 9) + 50 * np.cos(columns / 7) + noise).astype(np.uint8)
    sizes = [len(JPEGXL(effort=effort).encode(picture, None)) for effort in (1, 7)]
    assert sizes[1] < 0.95 * sizes[0]


@pytest.mark.parametrize("effort", [0, 10, True])
def test_an_effort_out_of_range_is_refused(effort: int) -> None:
    with pytest.raises(OptionError, match=f"effort must be 1 to 9, not {effort}"):
        JPEGXL(effort=effort)


def test_without_its_package_the_codec_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lightning_app.codecs.jpegxl.find_spec", lambda name: None)
    with pytest.raises(OptionError, match="JPEGXL needs libjxl: pip install pillow-jxl-plugin, or take JPEGLS"):
        codec_named("JPEGXL", 8)
