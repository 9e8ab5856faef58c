import re
from pathlib import Path
from typing import Any

import av
import av.logging
import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lightning_app.codecs import HEVC, HEVC420
from lightning_app.codecs.lossless import read_shape, write_shape
from lightning_app.codecs.stream import decode_frame, encode_frame
from lightning_app.errors import CodecError, OptionError

LOSSY = (22, 27, 32, 37)
RGB = npt.NDArray[np.uint8]


def smooth(height: int = 75, width: int = 101) -> RGB:
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(y / 9 + i) + np.cos(x / 13 - i) for i in range(3)]
    return (127 + 60 * np.stack(waves, axis=-1)).astype(np.uint8)


def psnr(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> float:
    return float(10 * np.log10(255**2 / np.mean((one.astype(float) - other) ** 2)))


def luma(payload: bytes) -> RGB:
    """The decoded luma, padding included."""
    frame = decode_frame(read_shape(payload)[1], "hevc")
    return np.asarray(frame.to_ndarray()[: frame.height], np.uint8)


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 140), st.integers(1, 140), st.sampled_from([None, 22, 37]))
def test_a_picture_of_any_size_comes_back_in_its_size(height: int, width: int, qp: int | None) -> None:
    decoded = HEVC420().decode(HEVC420().encode(smooth(height, width), qp))
    assert decoded.shape == (height, width, 3)
    assert decoded.dtype == np.uint8
    assert decoded.flags.writeable


def test_odd_sides_are_padded_with_the_edge_and_not_shifted() -> None:
    assert psnr(HEVC420().decode(HEVC420().encode(smooth(75, 101), None)), smooth(75, 101)) > 44


def test_the_luma_is_bt_601_of_limited_range_as_opencv_has_it() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (64, 96, 3)).astype(np.uint8)
    peer = cv2.cvtColor(picture, cv2.COLOR_RGB2YUV_I420)[:64].astype(int)
    assert np.abs(luma(HEVC420().encode(picture, None)) - peer).max() <= 1
    white, black = np.full((64, 64, 3), 255, np.uint8), np.zeros((64, 64, 3), np.uint8)
    assert set(luma(HEVC420().encode(white, None)).ravel().tolist()) == {235}
    assert set(luma(HEVC420().encode(black, None)).ravel().tolist()) == {16}


def test_a_flat_colour_comes_back_as_itself() -> None:
    for colour in np.random.default_rng(0).integers(0, 256, (12, 3)):
        flat = np.full((64, 64, 3), colour, np.uint8)
        assert np.abs(HEVC420().decode(HEVC420().encode(flat, None)).astype(int) - flat).max() <= 2


def test_lossless_codes_the_four_two_zero_picture_without_loss() -> None:
    rough = smooth(80, 96) ^ np.random.default_rng(0).integers(0, 8, (80, 96, 3)).astype(np.uint8)
    lossless = luma(HEVC420().encode(rough, None))
    assert np.abs(lossless - cv2.cvtColor(rough, cv2.COLOR_RGB2YUV_I420)[:80].astype(int)).max() <= 1
    assert psnr(luma(HEVC420().encode(rough, 10)), lossless) < 55


def test_chroma_is_not_shifted() -> None:
    _, x = np.mgrid[:64, :96]
    blue = np.stack([0 * x, 0 * x, 127 + 100 * np.sin(x / 3)], axis=-1).astype(np.uint8)
    decoded = HEVC420().decode(HEVC420().encode(blue, None)).astype(float)
    error = [np.abs(decoded[:, 4:-4] - np.roll(blue, shift, axis=1)[:, 4:-4]).mean() for shift in (-1, 0, 1)]
    assert error[1] < 0.3 * min(error[0], error[2])
    assert error[0] == pytest.approx(error[2], rel=0.1)


def test_a_qp_is_the_distortion_that_hevc_has_at_it() -> None:
    rough = smooth(128, 128).astype(int) + np.random.default_rng(0).normal(0, 12, (128, 128, 1)).astype(int)
    picture = rough.clip(0, 255).astype(np.uint8)
    grey = luma(HEVC420().encode(picture, None))
    for qp in LOSSY:
        ours = psnr(luma(HEVC420().encode(picture, qp)), grey)
        plain = psnr(HEVC().decode(HEVC().encode(grey, qp)), grey)
        assert abs(ours - plain) < 1.6  # RDOQ costs some; x265's own offset for intra pictures is worth 3 dB


def test_a_payload_is_the_size_the_parameter_sets_and_the_picture() -> None:
    payload = HEVC420().encode(smooth(), 27)
    stream = payload[len(write_shape((75, 101))) :]
    assert payload.startswith(write_shape((75, 101)))
    assert [stream[start.end()] >> 1 & 63 for start in re.finditer(b"\0\0\1", stream)] == [32, 33, 34, 20]


def test_every_setting_is_known_to_x265() -> None:
    level = av.logging.get_level()
    av.logging.set_level(av.logging.WARNING)
    try:
        with av.logging.Capture() as logs:
            for qp in (None, 27):
                HEVC420().encode(smooth(), qp)
    finally:
        av.logging.set_level(level)
    assert logs == []


@pytest.mark.parametrize("qp", [-1, 52, 27.5, True])
def test_a_qp_out_of_range_is_refused(qp: Any) -> None:
    with pytest.raises(OptionError, match=f"^QP must be lossless or 0 to 51, not {qp}$"):
        HEVC420().encode(smooth(), qp)


@pytest.mark.parametrize(
    "picture", [np.zeros((64, 64), np.uint8), np.zeros((64, 64, 3)), np.zeros((0, 64, 3), np.uint8)]
)
def test_a_picture_that_does_not_fit_is_refused(picture: Any) -> None:
    with pytest.raises(CodecError, match=r"^a colour picture must be \(H, W, 3\) uint8, not "):
        HEVC420().encode(picture, 27)


def test_what_is_not_such_a_picture_is_refused() -> None:
    payload = HEVC420().encode(smooth(), 27)
    header, stream = write_shape((75, 101)), payload[len(write_shape((75, 101))) :]
    frame = av.VideoFrame.from_ndarray(smooth(76, 102)[..., 0].copy(), format="gray")
    grey = encode_frame(frame, "libx265", {"x265-params": "log-level=none"})
    sizes = (write_shape((75, 104)), write_shape((2, 75, 101)))
    for broken in (b"", header, stream, header + b"noise", *(size + stream for size in sizes)):
        with pytest.raises(CodecError):
            HEVC420().decode(broken)
    with pytest.raises(CodecError, match=r"^a gray picture of 76×102 came for one of \(75, 101\)$"):
        HEVC420().decode(header + grey)
    with pytest.raises(CodecError, match="a payload must hold one picture, not 0"):
        HEVC420().decode(header + stream[: stream.index(b"\0\0\1\x28")])


@pytest.mark.slow
def test_real_pictures_cost_less_and_look_worse_at_a_higher_qp(shared: Path) -> None:
    for path in sorted((shared / "VOCdevkit/VOC2007/JPEGImages").glob("*.jpg"))[:3]:
        picture = np.asarray(Image.open(path).convert("RGB"))
        payloads = [HEVC420().encode(picture, qp) for qp in (None, *LOSSY)]
        quality = [psnr(HEVC420().decode(data), picture) for data in payloads]
        sizes = [len(data) for data in payloads]
        assert quality == sorted(quality, reverse=True)
        assert sizes == sorted(sizes, reverse=True)
        assert quality[0] > 45
        assert 25 < quality[3] < 40
        assert sizes[-1] < sizes[1] / 4
