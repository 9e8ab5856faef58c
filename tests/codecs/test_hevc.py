import copy
import csv
import math
import pickle
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import av.logging
import bjontegaard
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lightning_app.codecs import HEVC, QP, Picture
from lightning_app.errors import CodecError, OptionError

ROOT = Path(__file__).parents[2]
HM = ROOT.parent / "shared" / "hm-reference"
LOSSY = (22, 27, 32, 37)

needs_hm = pytest.mark.skipif(not HM.is_dir(), reason=f"HM 16.12's results are not at {HM}")


@dataclass
class Point:
    """One tile at one QP: HM's bytes and squared error, and ours."""

    tile: str
    depth: int
    qp: QP
    hm_bytes: int
    hm_mse: float
    our_bytes: int
    our_mse: float


def as_picture(samples: npt.NDArray[Any], depth: int) -> Picture:
    return samples.astype(np.uint8) if depth == 8 else samples.astype(np.uint16)


def random_picture(depth: int, height: int = 48, width: int = 80, seed: int = 0) -> Picture:
    return as_picture(np.random.default_rng(seed).integers(0, 2**depth, (height, width)), depth)


def smooth_picture(depth: int = 8, side: int = 64) -> Picture:
    return as_picture(np.add.outer(np.arange(side), np.arange(side)) / (2 * side) * (2**depth - 1), depth)


def hm_rows() -> list[dict[str, str]]:
    return [row for path in sorted(HM.glob("*.csv")) for row in csv.DictReader(path.read_text().splitlines())]


def measure(row: dict[str, str]) -> Point:
    depth = int(row["depth_bits"])
    tile = as_picture(np.asarray(Image.open(HM / row["tile"])), depth)
    qp = None if row["qp"] == "lossless" else int(row["qp"])
    codec = HEVC(depth)
    data = codec.encode(tile, qp)
    error = float(np.mean((codec.decode(data).astype(float) - tile) ** 2))
    return Point(row["tile"], depth, qp, int(row["hm_bytes"]), float(row["hm_mse"]), len(data), error)


@pytest.fixture(scope="module")
def points() -> list[Point]:
    return [measure(row) for row in hm_rows()]


def psnr(mse: list[float], depth: int) -> list[float]:
    return [10 * math.log10((2**depth - 1) ** 2 / error) for error in mse]


def bd_rate(points: list[Point]) -> float:
    """BD-rate of one tile's four lossy points against HM's, in percent, with piecewise cubic (PCHIP) curves."""
    points = sorted((p for p in points if p.qp is not None), key=lambda p: p.hm_bytes)
    depth = points[0].depth
    hm = ([p.hm_bytes for p in points], psnr([p.hm_mse for p in points], depth))
    ours = ([p.our_bytes for p in points], psnr([p.our_mse for p in points], depth))
    return float(bjontegaard.bd_rate(*hm, *ours, method="pchip"))


def nal_types(data: bytes) -> list[int]:
    return [data[start.end()] >> 1 & 63 for start in re.finditer(b"\0\0\1", data)]


@pytest.mark.parametrize("depth", [8, 10, 12])
def test_lossless_is_exact_at_every_depth(depth: int) -> None:
    codec = HEVC(depth)
    for picture in (random_picture(depth), smooth_picture(depth)):
        decoded = codec.decode(codec.encode(picture, None))
        assert decoded.dtype == picture.dtype
        np.testing.assert_array_equal(decoded, picture)


@needs_hm
@pytest.mark.slow
def test_lossless_is_exact_on_real_tiles(points: list[Point]) -> None:
    lossless = [p for p in points if p.qp is None]
    assert {p.depth for p in lossless} == {8, 10, 12}
    assert all(p.our_mse == 0 for p in lossless)


@needs_hm
@pytest.mark.slow
def test_a_qp_is_what_hm_means_by_it(points: list[Point]) -> None:
    ratios = {(p.tile, p.qp): p.our_mse / p.hm_mse for p in points if p.qp is not None}
    assert len(ratios) == 12 * len(LOSSY)
    # One QP step is about 1.2; x265's default ipratio gives 0.5 to 0.7.
    assert {key: ratio for key, ratio in ratios.items() if not 0.95 < ratio < 1.15} == {}


@needs_hm
@pytest.mark.slow
@pytest.mark.parametrize("depth", [8, 10, 12])
def test_bd_rate_is_within_two_and_a_half_percent_of_hm(points: list[Point], depth: int) -> None:
    tiles = {p.tile for p in points if p.depth == depth}
    rates = {tile: bd_rate([p for p in points if p.tile == tile]) for tile in tiles}
    assert np.mean(list(rates.values())) < 2.5
    assert max(rates.values()) < 3.5


@needs_hm
@pytest.mark.slow
@pytest.mark.parametrize(("depth", "percent"), [(8, 7), (10, 10), (12, 20)])
def test_lossless_bytes_stay_near_hm(points: list[Point], depth: int, percent: float) -> None:
    excess = [100 * p.our_bytes / p.hm_bytes - 100 for p in points if p.depth == depth and p.qp is None]
    assert np.mean(excess) < percent


@settings(deadline=None, max_examples=40)
@given(
    height=st.integers(16, 40), width=st.integers(16, 40), depth=st.sampled_from([8, 10, 12]), seed=st.integers(0, 99)
)
def test_any_small_shape_comes_back_exactly(height: int, width: int, depth: int, seed: int) -> None:
    picture = random_picture(depth, height, width, seed)
    codec = HEVC(depth)
    np.testing.assert_array_equal(codec.decode(codec.encode(picture, None)), picture)


@pytest.mark.parametrize("depth", [8, 10, 12])
def test_bytes_fall_and_error_grows_with_the_qp(depth: int) -> None:
    picture, codec = random_picture(depth), HEVC(depth)
    payloads = [codec.encode(picture, qp) for qp in (0, 10, 22, 37, 51)]
    errors = [np.abs(codec.decode(data).astype(int) - picture).mean() for data in payloads]
    sizes = [len(data) for data in payloads]
    assert sizes == sorted(sizes, reverse=True)
    assert errors == sorted(errors)


def test_a_payload_brings_its_parameter_sets_and_nothing_else() -> None:
    for qp in (None, 27):
        data = HEVC().encode(smooth_picture(), qp)
        assert nal_types(data) == [32, 33, 34, 20]  # VPS, SPS, PPS, IDR
        assert data.index(b"\0\0\1\x28") <= 72


def test_a_payload_decodes_in_a_process_that_saw_no_other() -> None:
    picture = random_picture(10)
    data = HEVC(10).encode(picture, None)
    script = (
        "import sys; from lightning_app.codecs import HEVC;"
        "sys.stdout.buffer.write(HEVC(10).decode(sys.stdin.buffer.read()).tobytes())"
    )
    run = subprocess.run([sys.executable, "-c", script], input=data, capture_output=True, cwd=ROOT, check=True)
    assert run.stdout == picture.tobytes()
    assert run.stderr == b""


def test_bytes_do_not_depend_on_what_was_coded_before() -> None:
    picture, codec = smooth_picture(), HEVC()
    first = codec.encode(picture, 27)
    for qp in (None, 22, 37):
        codec.encode(random_picture(8, 64, 64), qp)
    # x265's own signature would differ at the third picture of a kept encoder.
    assert [codec.encode(picture, 27) == first for _ in range(8)] == [True] * 8


def test_a_view_that_is_not_contiguous_is_coded_as_it_looks() -> None:
    picture = random_picture(8, 64, 96)[::2, ::3]
    codec = HEVC()
    np.testing.assert_array_equal(codec.decode(codec.encode(picture, None)), picture)


def test_a_numpy_qp_is_a_qp() -> None:
    qp: Any = np.int64(30)
    assert HEVC().encode(smooth_picture(), qp) == HEVC().encode(smooth_picture(), 30)


def test_x265_knows_every_setting() -> None:
    level = av.logging.get_level()
    av.logging.set_level(av.logging.WARNING)
    try:
        with av.logging.Capture() as logs:
            HEVC().encode(smooth_picture(), 27)
            HEVC().encode(smooth_picture(), None)
    finally:
        av.logging.set_level(level)
    assert logs == []


def test_coding_and_failing_print_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    codec = HEVC()
    data = codec.encode(smooth_picture(), 27)
    codec.decode(data)
    with pytest.raises(CodecError):
        codec.decode(data[:60])
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "data", [b"", b"\0", b"\0\0\1", b"not a picture", bytes(1000)], ids=["empty", "zero", "start", "text", "zeros"]
)
def test_what_is_not_a_payload_is_refused(data: bytes) -> None:
    with pytest.raises(CodecError, match=r"not an HEVC picture|one HEVC picture"):
        HEVC().decode(data)


def test_a_payload_without_its_picture_is_refused() -> None:
    data = HEVC().encode(smooth_picture(), 27)
    start = data.index(b"\0\0\1\x28")
    for broken in (data[:start], data[start:], data + data):
        with pytest.raises(CodecError):
            HEVC().decode(broken)


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_broken_bytes_give_a_picture_or_a_codec_error(data: st.DataObject) -> None:
    payload = bytearray(HEVC().encode(smooth_picture(side=32), 27))
    for _ in range(data.draw(st.integers(1, 4))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    try:
        picture = HEVC().decode(bytes(payload[: data.draw(st.integers(0, len(payload)))]))
    except CodecError:
        return
    assert picture.ndim == 2
    assert picture.dtype == np.uint8


def test_a_payload_of_another_depth_is_refused() -> None:
    data = HEVC(10).encode(random_picture(10), 27)
    with pytest.raises(CodecError, match="samples are gray10le, but the codec was made for 8 bits"):
        HEVC(8).decode(data)


@pytest.mark.parametrize("depth", [0, 7, 9, 16])
def test_a_depth_that_hevc_has_not_is_refused(depth: int) -> None:
    with pytest.raises(OptionError, match=f"^bits must be 8, 10 or 12, not {depth}$"):
        HEVC(depth)


@pytest.mark.parametrize("qp", [-1, 52, 60, 27.5, "27", True])
def test_a_qp_out_of_range_is_refused(qp: Any) -> None:
    with pytest.raises(OptionError, match=f"^QP must be lossless or 0 to 51, not {qp}$"):
        HEVC().encode(smooth_picture(), qp)


@pytest.mark.parametrize(
    ("depth", "picture", "message"),
    [
        (8, np.zeros((3, 32, 32), np.uint8), r"must be \(H, W\), not of shape \(3, 32, 32\)"),
        (8, np.zeros((32, 32), np.uint16), "of 8 bits must be uint8, not uint16"),
        (8, np.zeros((32, 32), np.float32), "of 8 bits must be uint8, not float32"),
        (10, np.zeros((32, 32), np.uint8), "of 10 bits must be uint16, not uint8"),
        (10, np.full((32, 32), 1024, np.uint16), "of 10 bits must be below 1024, not 1024"),
        (12, np.full((32, 32), 65535, np.uint16), "of 12 bits must be below 4096, not 65535"),
        (8, np.zeros((13, 13), np.uint8), "must be 16 pixels or more on each side, not 13×13"),
        (8, np.zeros((0, 32), np.uint8), "must be 16 pixels or more on each side, not 0×32"),
    ],
)
def test_a_picture_that_does_not_fit_is_refused(depth: int, picture: Any, message: str) -> None:
    with pytest.raises(CodecError, match=message):
        HEVC(depth).encode(picture, 27)


def test_a_codec_survives_pickling_and_copying() -> None:
    codec = HEVC(12)
    picture = random_picture(12)
    for twin in (pickle.loads(pickle.dumps(codec)), copy.deepcopy(codec)):
        assert twin.depth == 12
        assert twin.encode(picture, 27) == codec.encode(picture, 27)
