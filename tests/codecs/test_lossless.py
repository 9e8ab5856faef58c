import lzma
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lightning_app.codecs import JPEGLS, JPEGXL, LZMA, PNG, Codec, Picture, Raw
from lightning_app.codecs.base import MAX_SAMPLES
from lightning_app.codecs.lossless import from_planes, read_shape, to_planes, write_shape
from lightning_app.errors import CodecError, OptionError

SAMPLE_CODECS = (Raw, LZMA)
Make = Callable[..., Codec]


def samples(depth: int, shape: tuple[int, ...], seed: int = 0, spread: float = 1) -> Picture:
    """Noise over a part of the range; at 32 bits any bits, so NaN and infinities too."""
    rng = np.random.default_rng(seed)
    if depth == 32:
        return rng.integers(0, 2**32, shape, np.uint32).view(np.float32)
    noise = rng.integers(0, max(1, int(spread * 2**depth)), shape)
    return noise.astype(np.uint8) if depth == 8 else noise.astype(np.uint16)


def bits(picture: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    return np.ascontiguousarray(picture).view(np.uint8)


shapes = st.lists(st.integers(1, 40), min_size=2, max_size=3).map(tuple)


@pytest.mark.parametrize("make", SAMPLE_CODECS)
@settings(deadline=None, max_examples=60)
@given(shape=shapes, depth=st.sampled_from([8, 10, 12, 32]), seed=st.integers(0, 99), spread=st.floats(0, 1))
def test_any_picture_or_video_comes_back_exactly(
    make: Make, shape: tuple[int, ...], depth: int, seed: int, spread: float
) -> None:
    codec, picture = make(depth), samples(depth, shape, seed, spread)
    decoded = codec.decode(codec.encode(picture, None))
    assert (decoded.dtype, decoded.shape) == (picture.dtype, shape)
    np.testing.assert_array_equal(bits(decoded), bits(picture))


@pytest.mark.parametrize("make", SAMPLE_CODECS)
def test_a_decoded_picture_can_be_written_to(make: Make) -> None:
    codec = make(8)
    decoded = codec.decode(codec.encode(samples(8, (3, 4)), None))
    assert decoded.flags.writeable


@pytest.mark.parametrize("make", SAMPLE_CODECS)
def test_a_view_codes_as_its_copy_does(make: Make) -> None:
    picture = samples(10, (20, 30))
    assert make(10).encode(picture[::2, ::3], None) == make(10).encode(picture[::2, ::3].copy(), None)


def test_a_raw_payload_is_shape_and_little_endian_samples() -> None:
    picture = np.array([[1, 515], [1023, 0], [7, 8]], np.uint16)
    assert Raw(10).encode(picture, None) == bytes([0, 3, 2]) + bytes([1, 0, 3, 2, 255, 3, 0, 0, 7, 0, 8, 0])
    assert Raw().encode(np.array([[1.5]], np.float32), None) == bytes([0, 1, 1, 0, 0, 0xC0, 0x3F])


def test_lzma_is_what_an_xz_file_holds() -> None:
    picture = samples(8, (20, 30), spread=0.1)
    ours = LZMA(8).encode(picture, None)[3:]
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 6, "nice_len": 273, "dict_size": 2**22, "lc": 4, "lp": 0, "pb": 0}]
    file = lzma.compress(picture.tobytes(), lzma.FORMAT_XZ, lzma.CHECK_NONE, filters=filters)
    assert ours in file
    assert len(file) >= len(ours) + 32


def test_planes_put_bytes_of_one_significance_side_by_side() -> None:
    words = np.array([0x0102, 0x0304, 0x0506], "<u2").tobytes()
    assert to_planes(words, 2) == bytes([2, 4, 6, 1, 3, 5])
    assert from_planes(to_planes(words, 2), 2) == words


def test_the_shape_takes_seven_bits_a_byte() -> None:
    assert write_shape((127, 128)) == bytes([0, 127, 128, 1])
    assert write_shape((3, 208, 416)) == bytes([3, 208, 1, 160, 3])
    assert read_shape(write_shape((208, 416)) + b"rest") == ((208, 416), b"rest")


@given(st.integers(1, 2**13), st.integers(1, 2**13), st.none() | st.integers(1, 200))
def test_every_shape_within_the_limit_is_read_back(height: int, width: int, frames: int | None) -> None:
    shape = (height, width) if frames is None else (frames, height, width)
    if np.prod(shape) <= MAX_SAMPLES:
        assert read_shape(write_shape(shape)) == (shape, b"")
    else:
        with pytest.raises(CodecError, match="the payload claims a shape of"):
            read_shape(write_shape(shape))


NO_SHAPES = (b"", b"\0", b"\0\5", b"\0\x80", b"\xff" * 40, b"\xff" * 6 + bytes(9))


@pytest.mark.parametrize("data", NO_SHAPES, ids=lambda data: data[:4].hex())
def test_bytes_without_a_shape_are_refused(data: bytes) -> None:
    with pytest.raises(CodecError, match="have no number at byte"):
        read_shape(data)


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (2**13, 2**13 + 1), (2**34, 1)])
def test_an_impossible_shape_is_refused(shape: tuple[int, int]) -> None:
    with pytest.raises(CodecError, match="the payload claims a shape of"):
        read_shape(write_shape(shape))


@pytest.mark.parametrize("make", SAMPLE_CODECS)
@pytest.mark.parametrize("depth", [8, 12, 32])
def test_a_payload_cut_short_or_lengthened_is_refused(make: Make, depth: int) -> None:
    codec = make(depth)
    for shape in ((6, 7), (6, 6), (2, 3, 5)):
        payload = codec.encode(samples(depth, shape, spread=0.9), None)
        for cut in range(len(payload)):
            with pytest.raises(CodecError):
                codec.decode(payload[:cut])
    with pytest.raises(CodecError):
        codec.decode(payload + b"\0")


@pytest.mark.parametrize("make", SAMPLE_CODECS)
def test_a_shape_that_lies_is_refused_before_its_samples_are_allocated(make: Make) -> None:
    payload = make(32).encode(samples(32, (6, 7)), None)
    tracemalloc.start()
    try:
        for shape in ((2**13, 2**13), (5, 7), (6, 8), (2, 6, 7)):
            with pytest.raises(CodecError, match="claims"):
                make(32).decode(write_shape(shape) + payload[3:])
        assert tracemalloc.get_traced_memory()[1] < 2**23  # LZMA keeps 4 MiB of what it has unpacked
    finally:
        tracemalloc.stop()


def test_a_stream_of_more_than_it_claims_is_not_unpacked() -> None:
    bomb = LZMA(8).encode(np.zeros((2**12, 2**12), np.uint8), None)
    assert len(bomb) < 2**15
    tracemalloc.start()
    try:
        with pytest.raises(CodecError, match="does not hold the 100 bytes that it claims"):
            LZMA(8).decode(write_shape((10, 10)) + bomb[5:])
        assert tracemalloc.get_traced_memory()[1] < 2**23  # LZMA keeps 4 MiB of what it has unpacked
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("make", SAMPLE_CODECS)
def test_samples_above_the_depth_are_refused(make: Make) -> None:
    payload = make(12).encode(np.full((4, 4), 1024, np.uint16), None)
    with pytest.raises(CodecError, match="a sample of 10 bits must be below 1024, not 1024"):
        make(10).decode(payload)


@pytest.mark.parametrize("make", SAMPLE_CODECS)
def test_a_depth_that_has_no_samples_is_refused(make: Make) -> None:
    with pytest.raises(OptionError, match=r"^depth must be 8, 10, 12 or, for float32, 32, not 16$"):
        make(16)


@pytest.mark.parametrize("codec", [PNG(), JPEGLS(), JPEGXL(), Raw(), LZMA()], ids=lambda codec: type(codec).__name__)
@pytest.mark.parametrize("qp", [0, 32, True])
def test_a_lossless_codec_has_no_other_qp(codec: Codec, qp: Any) -> None:
    assert codec.check_qp(None) is None
    name = type(codec).__name__
    for refuse in (codec.check_qp, lambda qp: codec.encode(samples(codec.depth, (4, 4)), qp)):
        with pytest.raises(OptionError, match=f"^{name} is lossless and knows no QP {qp}: set qps to \\[lossless\\]$"):
            refuse(qp)


def test_a_picture_above_the_limit_is_refused_when_it_is_coded() -> None:
    with pytest.raises(CodecError, match=f"a picture must be of {MAX_SAMPLES} samples or fewer, not {2**26 + 2**13}"):
        Raw(8).encode(np.broadcast_to(np.uint8(0), (2**13 + 1, 2**13)), None)
