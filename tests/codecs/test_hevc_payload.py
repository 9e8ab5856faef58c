"""The parameter sets that a payload leaves out, its exact cost, and what a damaged one does."""

import io
import itertools
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lightning_app.codecs import HEVC, QP, Picture, hevc
from lightning_app.codecs.hevc_payload import PayloadHeader, pack, unpack
from lightning_app.codecs.lossless import write_shape
from lightning_app.codecs.x265 import Prediction, Settings
from lightning_app.errors import CodecError

DEPTHS = (8, 10, 12)
SETTINGS: tuple[Settings, ...] = ("paper", "best", "faster", "fastest")
PREDICTIONS: tuple[Prediction, ...] = ("intra", "inter")
IN_FULL = 64  # the bit of a payload's first byte


def random_samples(depth: int, *shape: int) -> Picture:
    samples = np.random.default_rng(sum(shape)).integers(0, 2**depth, shape)
    return samples.astype(np.uint8) if depth == 8 else samples.astype(np.uint16)


@pytest.fixture
def streams(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The streams that x265 writes, in turn."""
    written: list[bytes] = []

    def note(header: PayloadHeader, stream: bytes) -> bytes:
        written.append(stream)
        return pack(header, stream)

    monkeypatch.setattr(hevc, "pack", note)
    return written


def encoded_by_another_x265(codec: HEVC, picture: Picture, qp: QP) -> bytes:
    """A payload whose encoder expected other parameter sets than x265 wrote."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PayloadHeader, "parameter_sets", lambda header: [b"\x40\1others"])
        data = codec.encode(picture, qp)
    assert data[0] & IN_FULL
    return data


def decoded_or_refused(data: bytes) -> str:
    try:
        return f"decoded into {HEVC().decode(data).shape}"
    except CodecError:
        return "refused"


def plainly_decoded(stream: bytes) -> npt.NDArray[Any]:
    """What a plain PyAV makes of an Annex-B stream, (F, H, W)."""
    with av.open(io.BytesIO(stream), "r", "hevc") as container:
        return np.stack([frame.to_ndarray() for frame in container.decode(video=0)])


@pytest.mark.parametrize("shape", [(17, 17), (30, 41), (3, 65, 130)], ids=str)
@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("depth", DEPTHS)
def test_the_stream_of_x265_comes_back_byte_for_byte_in_both_forms(
    streams: list[bytes], depth: int, setting: Settings, prediction: Prediction, shape: tuple[int, ...]
) -> None:
    codec, picture = HEVC(depth, setting, prediction), random_samples(depth, *shape)
    for qp in (None, 0, 27, 51):
        implied, in_full = codec.encode(picture, qp), encoded_by_another_x265(codec, picture, qp)
        assert not implied[0] & IN_FULL
        assert len(implied) < len(in_full) - 70
        assert HEVC.annex_b(implied) == HEVC.annex_b(in_full) == streams[-1] == streams[-2]
        np.testing.assert_array_equal(codec.decode(implied), codec.decode(in_full))
        plain = plainly_decoded(streams[-1])
        np.testing.assert_array_equal(codec.decode(implied), plain.reshape(shape))


@settings(deadline=None, max_examples=100)
@given(
    height=st.integers(16, 500),
    width=st.integers(16, 500),
    depth=st.sampled_from(DEPTHS),
    setting=st.sampled_from(SETTINGS),
    qp=st.sampled_from([None, 40]),
)
def test_every_size_implies_its_parameter_sets(height: int, width: int, depth: int, setting: Settings, qp: QP) -> None:
    picture = np.zeros((height, width), np.uint8 if depth == 8 else np.uint16)
    assert not HEVC(depth, setting).encode(picture, qp)[0] & IN_FULL


# The last size of a level of Table A.8, by its samples or by its longest side, and the first of the next.
@pytest.mark.parametrize(
    ("height", "width", "in_full"),
    [
        (192, 192, False),
        (192, 193, False),
        (16, 536, False),
        (16, 537, False),
        (960, 1024, False),
        (960, 1025, False),
        (16, 4216, False),
        (16, 4217, True),  # beyond level 4.1, which is the last that allows a CTU of 16
        (1024, 2176, False),
        (1024, 2177, True),
    ],
)
def test_sizes_at_the_edge_of_a_level_come_back(streams: list[bytes], height: int, width: int, in_full: bool) -> None:
    picture = np.full((height, width), 7, np.uint8)
    data = HEVC(8, "faster").encode(picture, 51)
    assert bool(data[0] & IN_FULL) is in_full
    assert HEVC.annex_b(data) == streams[-1]
    np.testing.assert_array_equal(HEVC().decode(data), plainly_decoded(streams[-1])[0])


@pytest.mark.parametrize(("shape", "header"), [((26, 26), 3), ((64, 208), 4), ((208, 416), 5), ((16, 16384), 5)])
def test_a_picture_costs_its_slice_without_the_units_header_and_at_most_five_bytes(
    streams: list[bytes], shape: tuple[int, ...], header: int
) -> None:
    data = HEVC().encode(random_samples(8, *shape), None)
    slice_ = streams[-1].split(b"\0\0\1\x28\1")[1]  # the only IDR slice, without the header of its NAL unit
    assert data[header:] == slice_


def test_a_video_costs_one_byte_a_further_frame_beside_its_slices(streams: list[bytes]) -> None:
    data = HEVC(8, prediction="inter").encode(random_samples(8, 5, 32, 48), 27)
    units = streams[-1].split(b"\0\0\0\1")[3:]
    units[0] = units[0].split(b"\0\0\1")[1]
    assert len(units) == 5
    assert len(data) == 4 + sum(len(unit) - 2 for unit in units) + 4 * 3  # a start code for the header of a NAL unit


def test_the_header_by_hand() -> None:
    # Settings best (1), depth 12 (2 << 2), lossless (16), inter (32), video (128): 185; two frames of 200×31.
    data = HEVC(12, "best", "inter").encode(random_samples(12, 2, 200, 31), None)
    assert data[:5] == bytes([185, 2, 200, 1, 31])  # 200 = 72 + 128
    assert unpack(data).header == PayloadHeader("best", "inter", 12, True, (2, 200, 31))


def test_a_payload_without_its_parts_is_refused() -> None:
    codec, video = HEVC(), random_samples(8, 3, 32, 32)
    data = codec.encode(video, 27)
    in_full = encoded_by_another_x265(codec, video, 27)
    one, start = codec.encode(video[0], 27), b"\0\0\1"
    last, first_set = data.rindex(start), in_full.index(start)
    broken = {
        "a frame less": data[:last],
        "a frame more": data + data[last:],
        "no frame": data[:4],
        "a video of no frame": data[:1] + bytes([0]) + data[2:],
        "sets where none should be": data[:1] + in_full[1:],
        "no sets where some should be": in_full[:1] + data[1:],
        "a set less": in_full[:4] + in_full[first_set + 3 :],
        "two pictures": one + start + one[3:],
        "of a fourth depth": bytes([data[0] | 12]) + data[1:],
    }
    decoded = {what: decoded_or_refused(data) for what, data in broken.items()}
    assert decoded == dict.fromkeys(broken, "refused")


@pytest.mark.parametrize(
    "shape", [(2**31, 2**31), (65535, 16), (16, 16385), (15, 64), (16384, 4097), (2**20, 17, 17)], ids=str
)
def test_absurd_sizes_are_refused(shape: tuple[int, ...]) -> None:
    data = HEVC().encode(random_samples(8, 1, 32, 32), 27)  # a video, whose form takes both kinds of shape
    with pytest.raises(CodecError):
        HEVC().decode(data[:1] + write_shape(shape) + data[4:])


def test_parameter_sets_that_ask_for_more_than_the_header_are_refused_undecoded() -> None:
    large = encoded_by_another_x265(HEVC(), np.zeros((256, 512), np.uint8), 51)
    claimed, at = write_shape((32, 32))[1:], len(write_shape((256, 512)))
    with pytest.raises(CodecError, match="bytes are not an HEVC picture"):
        HEVC().decode(large[:1] + claimed + large[at:])
    with pytest.raises(CodecError, match=r"a frame of .*256, 512.* came for"):
        HEVC().decode(large[:1] + write_shape((250, 500))[1:] + large[at:])


PAYLOADS = [
    payload
    for prediction, shape, qp in itertools.product(PREDICTIONS, [(32, 32), (3, 32, 32)], (None, 27))
    for payload in (
        HEVC(8, "paper", prediction).encode(random_samples(8, *shape), qp),
        encoded_by_another_x265(HEVC(8, "best", prediction), random_samples(8, *shape), qp),
    )
]


@settings(deadline=None, max_examples=400)
@given(st.data())
def test_broken_bytes_give_a_picture_or_a_codec_error(data: st.DataObject) -> None:
    payload = bytearray(data.draw(st.sampled_from(PAYLOADS)))
    end = data.draw(st.sampled_from([8, 100, len(payload)]))  # the header, the parameter sets, the slices
    for _ in range(data.draw(st.integers(1, 4))):
        payload[data.draw(st.integers(0, end - 1))] = data.draw(st.integers(0, 255))
    try:
        picture = HEVC().decode(bytes(payload[: data.draw(st.integers(0, len(payload)))]))
    except CodecError:
        return
    assert picture.ndim in (2, 3)
    assert picture.dtype == np.uint8
