"""What PyAV may have been built without: AV1, VVC, or the grey formats of an encoder."""

from typing import Any

import av
import numpy as np
import pytest
from av.codec.codec import UnknownCodecError

from lightning_app.codecs import AV1, VVC, Codec
from lightning_app.codecs.av1 import check_av1_qp
from lightning_app.codecs.base import sample_type
from lightning_app.codecs.stream import decode_frame, encode_frame, grey_format, grey_samples
from lightning_app.errors import OptionError


def takes_grey(encoder: str) -> bool:
    try:
        return "gray" in [format_.name for format_ in av.Codec(encoder, "w").video_formats or ()]
    except UnknownCodecError:
        return False


@pytest.mark.parametrize(("codec", "encoder"), [(AV1, "libaom-av1"), (VVC, "libvvenc")])
def test_a_codec_that_pyav_lacks_says_so_when_it_is_made(codec: type[AV1 | VVC], encoder: str) -> None:
    if takes_grey(encoder):
        pytest.skip(f"this build of PyAV has {encoder}")
    name = codec.__name__
    with pytest.raises(
        OptionError, match=f"^{name} .*is not in this build of PyAV.*{encoder}.*: take HEVC|; take HEVC"
    ):
        codec()


@pytest.mark.skipif(not takes_grey("libaom-av1"), reason="this build of PyAV has no libaom-av1")
@pytest.mark.parametrize("depth", [8, 10, 12])
@pytest.mark.parametrize("shape", [(13, 27), (64, 96)])
def test_av1_is_exact_when_lossless_and_spends_less_at_a_higher_qp(depth: int, shape: tuple[int, int]) -> None:
    codec: Codec = AV1(depth)
    noise = np.random.default_rng(0).integers(0, 2**depth, shape)
    picture = noise.astype(sample_type(depth))
    payloads = [codec.encode(picture, qp) for qp in (None, 1, 20, 40, 63)]
    np.testing.assert_array_equal(codec.decode(payloads[0]), picture)
    errors = [float(np.mean((codec.decode(data).astype(float) - picture) ** 2)) for data in payloads]
    assert errors == sorted(errors)
    assert [len(data) for data in payloads] == sorted((len(data) for data in payloads), reverse=True)


@pytest.mark.parametrize("qp", [0, 64, 2.5, True])
def test_the_qp_of_av1_is_its_quantiser(qp: Any) -> None:
    assert [check_av1_qp(qp) for qp in (None, 1, 63)] == [None, 1, 63]
    with pytest.raises(OptionError, match=f"^AV1's QP must be lossless or 1 to 63, not {qp}$"):
        check_av1_qp(qp)


def test_the_grey_formats_are_the_encoders_own() -> None:
    assert [grey_format("HEVC", "libx265", depth) for depth in (8, 10, 12)] == ["gray", "gray10le", "gray12le"]
    assert grey_format("AVC", "libx264", 10) == "gray10le"
    with pytest.raises(
        OptionError, match=r"^AVC of 12 grey bits is not in this build of PyAV: its libx264 has no format"
    ):
        grey_format("AVC", "libx264", 12)
    with pytest.raises(OptionError, match=r"^X is not in this build of PyAV, which has no libnothing: take HEVC$"):
        grey_format("X", "libnothing", 8)
    with pytest.raises(OptionError, match=r"^bits must be 8, 10 or 12, not 9$"):
        grey_format("HEVC", "libx265", 9)


@pytest.mark.parametrize("depth", [8, 10, 12])
@pytest.mark.parametrize("shape", [(16, 16), (17, 31), (33, 130)])
def test_another_encoder_that_takes_grey_carries_the_same_picture(depth: int, shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 2**depth, shape)
    picture = noise.astype(sample_type(depth))
    frame = av.VideoFrame.from_ndarray(picture, format=grey_format("HEVC", "libx265", depth))
    stream = encode_frame(frame, "libx265", {"x265-params": "lossless=1:ctu=16:log-level=none"})
    np.testing.assert_array_equal(grey_samples(decode_frame(stream, "hevc"), depth), picture)
