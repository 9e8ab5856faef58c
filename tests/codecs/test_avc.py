import csv
import re
from pathlib import Path
from typing import Any

import av
import av.logging
import bjontegaard
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lightning_app.codecs import AVC, HEVC, QP, Picture
from lightning_app.codecs.base import sample_type
from lightning_app.codecs.stream import encode_frame
from lightning_app.errors import CodecError, OptionError

LOSSY = (22, 27, 32, 37)


def noise(depth: int, height: int = 48, width: int = 80, seed: int = 0) -> Picture:
    picture = np.random.default_rng(seed).integers(0, 2**depth, (height, width))
    return picture.astype(np.uint8) if depth == 8 else picture.astype(np.uint16)


def textured(depth: int = 8, side: int = 96) -> Picture:
    ramp = np.add.outer(np.arange(side), np.arange(side)) / (2 * side) * (2**depth - 1)
    rough = ramp + np.random.default_rng(0).normal(0, 2**depth / 20, ramp.shape)
    samples: Picture = rough.clip(0, 2**depth - 1).astype(sample_type(depth))
    return samples


def nal_types(data: bytes) -> list[int]:
    return [data[start.end()] & 31 for start in re.finditer(b"\0\0\1", data)]


def mse(codec: AVC | HEVC, picture: Picture, qp: QP) -> float:
    return float(np.mean((codec.decode(codec.encode(picture, qp)).astype(float) - picture) ** 2))


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 50), st.integers(1, 50), st.sampled_from([8, 10]), st.integers(0, 99))
def test_lossless_is_exact_at_any_size(height: int, width: int, depth: int, seed: int) -> None:
    picture = noise(depth, height, width, seed)
    decoded = AVC(depth).decode(AVC(depth).encode(picture, None))
    assert decoded.dtype == picture.dtype
    np.testing.assert_array_equal(decoded, picture)


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 50), st.integers(1, 50), st.sampled_from([8, 10]), st.sampled_from(LOSSY))
def test_any_size_comes_back_in_its_size(height: int, width: int, depth: int, qp: int) -> None:
    assert AVC(depth).decode(AVC(depth).encode(noise(depth, height, width), qp)).shape == (height, width)


@pytest.mark.parametrize("depth", [8, 10])
def test_a_qp_means_what_it_means_to_hevc(depth: int) -> None:
    # The two standards share the step of a QP; a QP more is 1.26 times the squared error.
    for qp in LOSSY:
        assert 0.75 < mse(AVC(depth), textured(depth), qp) / mse(HEVC(depth), textured(depth), qp) < 1.4


def test_a_qp_is_the_same_distortion_at_eight_and_ten_bits() -> None:
    for qp in LOSSY:
        assert mse(AVC(10), textured(10), qp) / 16 == pytest.approx(mse(AVC(8), textured(8), qp), rel=0.15)


@pytest.mark.parametrize("depth", [8, 10])
def test_a_higher_qp_costs_less_and_errs_more(depth: int) -> None:
    picture = textured(depth)
    qps = range(1, 52, 5)
    sizes = [len(AVC(depth).encode(picture, qp)) for qp in qps]
    assert sizes == sorted(sizes, reverse=True)
    errors = [mse(AVC(depth), picture, qp) for qp in qps]
    assert errors == sorted(errors)


def test_zero_is_a_lossy_qp_at_ten_bits_and_refused_at_eight() -> None:
    assert 0 < mse(AVC(10), textured(10), 0) < 1
    with pytest.raises(OptionError, match=r"^AVC's QP must be lossless or 1 to 51 at 8 bits, not 0"):
        AVC().encode(noise(8), 0)


@pytest.mark.parametrize("depth", [8, 10])
@pytest.mark.parametrize("qp", [None, 27])
def test_a_payload_is_parameter_sets_and_the_picture(depth: int, qp: QP) -> None:
    data = AVC(depth).encode(textured(depth), qp)
    assert nal_types(data) == [7, 8, 5]
    assert data.index(b"\0\0\1\x65") < 36


def test_every_setting_is_known_to_x264() -> None:
    level = av.logging.get_level()
    av.logging.set_level(av.logging.WARNING)
    try:
        with av.logging.Capture() as logs:
            for depth in (8, 10):
                for qp in (None, 27):
                    AVC(depth).encode(textured(depth), qp)
    finally:
        av.logging.set_level(level)
    assert logs == []


def test_twelve_bits_are_not_in_this_build() -> None:
    with pytest.raises(OptionError, match=r"^AVC of 12 grey bits is not in this build of PyAV: .*; take HEVC$"):
        AVC(12)
    with pytest.raises(OptionError, match=r"^depth must be 8, 10 or 12, not 32$"):
        AVC(32)


@pytest.mark.parametrize("qp", [-1, 52, 27.5, True])
def test_a_qp_out_of_range_is_refused(qp: Any) -> None:
    with pytest.raises(OptionError, match=f"^QP must be lossless or 0 to 51, not {qp}$"):
        AVC().encode(noise(8), qp)


def test_a_picture_that_x264_cannot_code_is_refused() -> None:
    with pytest.raises(CodecError, match=r"^libx264 cannot code a picture of 1×70000: "):
        AVC().encode(np.zeros((1, 70000), np.uint8), 27)


def test_what_is_not_such_a_picture_is_refused() -> None:
    data = AVC().encode(textured(), 27)
    start = [match.start() for match in re.finditer(b"\0\0\1", data)]
    for broken in (b"", b"not a picture", bytes(1000), data[: start[2]], data[start[2] :], data + data):
        with pytest.raises(CodecError, match=r"are not a stream of h264|must hold one picture"):
            AVC().decode(broken)
    with pytest.raises(CodecError, match="samples have 10 bits, but the codec was made for 8"):
        AVC().decode(AVC(10).encode(textured(10), 27))


def test_a_stream_of_more_pixels_than_the_limit_is_refused() -> None:
    wide, high = 2**13, 2**13 + 16
    frame = av.VideoFrame.from_ndarray(np.zeros((high, wide), np.uint8), format="gray")
    data = encode_frame(frame, "libx264", {"preset": "ultrafast", "qp": "51"})
    assert len(data) < 2**18
    with pytest.raises(CodecError, match="are not a stream of h264"):
        AVC().decode(data)


def psnr(errors: list[float], depth: int) -> list[float]:
    return [10 * np.log10((2**depth - 1) ** 2 / error) for error in errors]


@pytest.mark.slow
@pytest.mark.parametrize(("depth", "percent"), [(8, 9.75), (10, 11.6)])
def test_on_real_tiles_it_stays_near_hm(shared: Path, depth: int, percent: float) -> None:
    tiles: dict[str, list[tuple[int, float, int, float]]] = {}
    for path in sorted((shared / "hm-reference").glob("*.csv")):
        for row in csv.DictReader(path.read_text().splitlines()):
            if row["qp"] != "lossless" and int(row["depth_bits"]) == depth:
                picture = np.asarray(Image.open(path.parent / row["tile"])).astype(sample_type(depth))
                qp = int(row["qp"])
                ours = len(AVC(depth).encode(picture, qp)), mse(AVC(depth), picture, qp)
                tiles.setdefault(row["tile"], []).append((int(row["hm_bytes"]), float(row["hm_mse"]), *ours))
    rates = []
    for points in tiles.values():
        hm_bytes, hm_mse, our_bytes, our_mse = (list(column) for column in zip(*sorted(points), strict=True))
        # A QP step is 1.26; x264 rounds more coefficients down.
        assert all(1 < ours / hm < 1.26**2 for ours, hm in zip(our_mse, hm_mse, strict=True))
        curves = hm_bytes, psnr(hm_mse, depth), our_bytes, psnr(our_mse, depth)
        rates.append(bjontegaard.bd_rate(*curves, method="pchip", min_overlap=0))
    assert np.mean(rates) == pytest.approx(percent, abs=0.5)
