"""What PyAV may have been built without: an encoder, or its grey formats."""

import av
import numpy as np
import pytest

from lightning_app.codecs.base import sample_type
from lightning_app.codecs.stream import decode_frame, encode_frame, grey_format, grey_samples
from lightning_app.errors import OptionError


def test_the_grey_formats_are_the_encoders_own() -> None:
    assert [grey_format("HEVC", "libx265", depth) for depth in (8, 10, 12)] == ["gray", "gray10le", "gray12le"]
    assert grey_format("AVC", "libx264", 10) == "gray10le"
    with pytest.raises(
        OptionError, match=r"^AVC of 12 grey bits is not in this build of PyAV: its libx264 has no format"
    ):
        grey_format("AVC", "libx264", 12)
    with pytest.raises(OptionError, match=r"^X is not in this build of PyAV, which has no libnothing: take HEVC$"):
        grey_format("X", "libnothing", 8)
    with pytest.raises(OptionError, match=r"^depth must be 8, 10 or 12, not 9$"):
        grey_format("HEVC", "libx265", 9)


@pytest.mark.parametrize("depth", [8, 10, 12])
@pytest.mark.parametrize("shape", [(16, 16), (17, 31), (33, 130)])
def test_another_encoder_that_takes_grey_carries_the_same_picture(depth: int, shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 2**depth, shape)
    picture = noise.astype(sample_type(depth))
    frame = av.VideoFrame.from_ndarray(picture, format=grey_format("HEVC", "libx265", depth))
    stream = encode_frame(frame, "libx265", {"x265-params": "lossless=1:ctu=16:log-level=none"})
    np.testing.assert_array_equal(grey_samples(decode_frame(stream, "hevc"), depth), picture)
