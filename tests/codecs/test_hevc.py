import copy
import itertools
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import av.logging
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lightning_app.codecs import HEVC, Picture
from lightning_app.codecs.x265 import Prediction, Settings
from lightning_app.errors import CodecError, OptionError

ROOT = Path(__file__).parents[2]
DEPTHS = (8, 10, 12)
SETTINGS: tuple[Settings, ...] = ("paper", "best", "faster", "fastest")
PREDICTIONS: tuple[Prediction, ...] = ("intra", "inter")


def as_picture(samples: npt.NDArray[Any], depth: int) -> Picture:
    return samples.astype(np.uint8) if depth == 8 else samples.astype(np.uint16)


def random_picture(depth: int, height: int = 48, width: int = 80, seed: int = 0) -> Picture:
    return as_picture(np.random.default_rng(seed).integers(0, 2**depth, (height, width)), depth)


def smooth_picture(depth: int = 8, side: int = 64) -> Picture:
    return as_picture(np.add.outer(np.arange(side), np.arange(side)) / (2 * side) * (2**depth - 1), depth)


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("depth", DEPTHS)
def test_lossless_is_exact_at_every_depth(depth: int, setting: Settings) -> None:
    codec = HEVC(depth, setting)
    for picture in (random_picture(depth), smooth_picture(depth)):
        decoded = codec.decode(codec.encode(picture, None))
        assert decoded.dtype == picture.dtype
        np.testing.assert_array_equal(decoded, picture)


# Above and below the CTU of 64 that `best` shrinks to fit.
@settings(deadline=None, max_examples=60)
@given(
    height=st.integers(16, 80),
    width=st.integers(16, 80),
    depth=st.sampled_from(DEPTHS),
    setting=st.sampled_from(SETTINGS),
    seed=st.integers(0, 99),
)
def test_any_small_shape_comes_back_exactly(height: int, width: int, depth: int, setting: Settings, seed: int) -> None:
    picture = random_picture(depth, height, width, seed)
    codec = HEVC(depth, setting)
    np.testing.assert_array_equal(codec.decode(codec.encode(picture, None)), picture)


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("depth", DEPTHS)
def test_bytes_fall_and_error_grows_with_the_qp(depth: int, setting: Settings) -> None:
    picture, codec = random_picture(depth), HEVC(depth, setting)
    payloads = [codec.encode(picture, qp) for qp in (0, 10, 22, 37, 51)]
    errors = [np.abs(codec.decode(data).astype(int) - picture).mean() for data in payloads]
    sizes = [len(data) for data in payloads]
    assert sizes == sorted(sizes, reverse=True)
    assert errors == sorted(errors)


def test_any_codec_of_the_depth_decodes_a_payload() -> None:
    picture = random_picture(8)
    for setting, prediction in itertools.product(SETTINGS, PREDICTIONS):
        np.testing.assert_array_equal(HEVC().decode(HEVC(8, setting, prediction).encode(picture, None)), picture)


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
            for setting, prediction, qp in itertools.product(SETTINGS, PREDICTIONS, (27, None)):
                HEVC(8, setting, prediction).encode(smooth_picture(), qp)
    finally:
        av.logging.set_level(level)
    assert logs == []


def test_coding_and_failing_print_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    codec = HEVC()
    data = codec.encode(smooth_picture(), 27)
    codec.decode(data)
    with pytest.raises(CodecError, match="not an HEVC picture"):
        codec.decode(data[:5])
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "data", [b"", b"\0", b"\0\0\1", b"not a picture", bytes(1000)], ids=["empty", "zero", "start", "text", "zeros"]
)
def test_what_is_not_a_payload_is_refused(data: bytes) -> None:
    with pytest.raises(CodecError):
        HEVC().decode(data)
    with pytest.raises(CodecError):
        HEVC.annex_b(data)


def test_a_payload_of_another_depth_is_refused() -> None:
    data = HEVC(10).encode(random_picture(10), 27)
    with pytest.raises(CodecError, match="samples have 10 bits, but the codec was made for 8"):
        HEVC(8).decode(data)


@pytest.mark.parametrize("depth", [0, 7, 9, 16])
def test_a_depth_that_hevc_has_not_is_refused(depth: int) -> None:
    with pytest.raises(OptionError, match=f"^depth must be 8, 10 or 12, not {depth}$"):
        HEVC(depth)


def test_names_that_do_not_exist_are_refused() -> None:
    wrong: Any = "slower"
    with pytest.raises(OptionError, match=r"^settings must be paper, best, faster or fastest, not slower$"):
        HEVC(8, settings=wrong)
    with pytest.raises(OptionError, match=r"^prediction must be intra or inter, not slower$"):
        HEVC(8, prediction=wrong)


@pytest.mark.parametrize("qp", [-1, 52, 60, 27.5, "27", True])
def test_a_qp_out_of_range_is_refused(qp: Any) -> None:
    with pytest.raises(OptionError, match=f"^QP must be lossless or 0 to 51, not {qp}$"):
        HEVC().encode(smooth_picture(), qp)


@pytest.mark.parametrize(
    ("depth", "picture", "message"),
    [
        (8, np.zeros(32, np.uint8), r"must be \(H, W\) or \(F, H, W\), not of shape \(32,\)"),
        (8, np.zeros((1, 1, 32, 32), np.uint8), r"must be \(H, W\) or \(F, H, W\), not of shape \(1, 1, 32, 32\)"),
        (8, np.zeros((32, 32), np.uint16), "of 8 bits must be uint8, not uint16"),
        (8, np.zeros((32, 32), np.float32), "of 8 bits must be uint8, not float32"),
        (10, np.zeros((32, 32), np.uint8), "of 10 bits must be uint16, not uint8"),
        (10, np.full((32, 32), 1024, np.uint16), "of 10 bits must be below 1024, not 1024"),
        (12, np.full((32, 32), 65535, np.uint16), "of 12 bits must be below 4096, not 65535"),
        (8, np.zeros((13, 13), np.uint8), "must be 16 pixels or more on each side, not 13×13"),
        (8, np.zeros((4, 15, 32), np.uint8), "must be 16 pixels or more on each side, not 15×32"),
        (8, np.zeros((0, 32), np.uint8), "must be 16 pixels or more on each side, not 0×32"),
        (8, np.zeros((16, 16385), np.uint8), "sides must be 16 to 16384 pixels for HEVC, not 16×16385"),
    ],
)
def test_a_picture_that_does_not_fit_is_refused(depth: int, picture: Any, message: str) -> None:
    with pytest.raises(CodecError, match=message):
        HEVC(depth).encode(picture, 27)


def test_a_codec_survives_pickling_and_copying() -> None:
    codec = HEVC(12, "best", "inter")
    video: Any = np.stack([random_picture(12, seed=seed) for seed in range(2)])  # (F, H, W)
    for twin in (pickle.loads(pickle.dumps(codec)), copy.deepcopy(codec)):
        assert twin.depth == 12
        assert twin.encode(video, 27) == codec.encode(video, 27)
