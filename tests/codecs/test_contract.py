"""What every codec promises, whatever is inside."""

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lightning_app.codecs import (
    AVC,
    HEVC420,
    JPEG,
    JPEGLS,
    JPEGXL,
    LZMA,
    PNG,
    QP,
    Codec,
    CodecPool,
    ColourJPEG,
    Picture,
    PictureCodec,
    Raw,
)
from lightning_app.codecs.base import sample_type
from lightning_app.codecs.lossless import write_shape
from lightning_app.errors import CodecError

ROOT = Path(__file__).parents[2]

GREY: list[tuple[Codec, QP]] = [
    *((kind(depth), None) for kind in (PNG, JPEGLS, JPEGXL) for depth in (8, 10, 12)),
    *((kind(depth), None) for kind in (Raw, LZMA) for depth in (8, 10, 12, 32)),
    *((JPEG(), quality) for quality in (10, 90)),
    *((AVC(depth), qp) for depth in (8, 10) for qp in (None, 32)),
]
COLOUR: list[tuple[PictureCodec, QP]] = [(ColourJPEG(), 75), (HEVC420(), None), (HEVC420(), 32)]


def grey(depth: int, shape: tuple[int, ...] = (48, 64)) -> Picture:
    rows, columns = np.indices(shape)[-2:]
    waves: npt.NDArray[np.float64] = (2 + np.sin(rows / 7) + np.cos(columns / 5)) / 4
    if depth == 32:
        return waves.astype(np.float32)
    noisy = waves * (2**depth - 1) * 0.9 + np.random.default_rng(0).normal(0, 2 ** (depth - 6), shape)
    samples: Picture = noisy.clip(0, 2**depth - 1).astype(sample_type(depth))
    return samples


def picture_for(codec: Codec | PictureCodec) -> Picture:
    if isinstance(codec, Codec):
        return grey(codec.depth)
    return np.stack([grey(8), grey(8)[::-1], grey(8)[:, ::-1]], axis=-1).astype(np.uint8)


def label(value: Any) -> str:
    if isinstance(value, (Codec, PictureCodec)):
        return f"{type(value).__name__}{getattr(value, 'depth', '')}"
    return "lossless" if value is None else str(value)


every = pytest.mark.parametrize(("codec", "qp"), [*GREY, *COLOUR], ids=label)


@every
def test_the_same_picture_gives_the_same_bytes(codec: Codec | PictureCodec, qp: QP) -> None:
    picture = picture_for(codec)
    first = codec.encode(picture, qp)
    codec.encode(picture[::-1], qp)
    assert isinstance(first, bytes)
    assert pickle.loads(pickle.dumps(codec)).encode(picture, qp) == codec.encode(picture, qp) == first


@every
def test_a_decoded_picture_is_of_the_kind_that_was_coded(codec: Codec | PictureCodec, qp: QP) -> None:
    picture = picture_for(codec)
    decoded = codec.decode(codec.encode(picture, qp))
    assert (decoded.shape, decoded.dtype) == (picture.shape, picture.dtype)
    assert decoded.flags.writeable
    assert decoded.flags.c_contiguous
    if qp is None and isinstance(codec, Codec):
        np.testing.assert_array_equal(decoded, picture)
    else:
        error = np.abs(decoded.astype(float) - picture).mean()
        assert error < 0.06 * 2 ** getattr(codec, "depth", 8)


@every
def test_coding_does_not_change_the_picture(codec: Codec | PictureCodec, qp: QP) -> None:
    picture = picture_for(codec)
    before = picture.copy()
    picture.flags.writeable = False
    codec.encode(picture, qp)
    np.testing.assert_array_equal(picture, before)


@every
@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_broken_bytes_give_a_picture_or_a_codec_error(codec: Codec | PictureCodec, qp: QP, data: st.DataObject) -> None:
    payload = bytearray(codec.encode(picture_for(codec), qp))
    near = st.integers(0, min(40, len(payload) - 1))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(near | st.integers(0, len(payload) - 1))
        payload[place] = data.draw(st.integers(0, 255))
    try:
        decoded = codec.decode(bytes(payload[: data.draw(st.integers(0, len(payload)))]))
    except CodecError:
        return
    assert decoded.dtype == picture_for(codec).dtype
    assert decoded.ndim == 3 if isinstance(codec, PictureCodec) else decoded.ndim in (2, 3)


def head(payload: bytes, codec: Codec | PictureCodec) -> bytes:
    """What a payload has before its samples."""
    if isinstance(codec, PNG):
        return payload[: payload.index(b"IDAT") - 4]
    if isinstance(codec, (JPEG, ColourJPEG)):
        scan = payload.index(b"\xff\xda") + 2
        return payload[: scan + int.from_bytes(payload[scan : scan + 2], "big")]
    if isinstance(codec, AVC):
        return payload[: payload.index(b"\0\0\1\x65") + 4]  # parameter sets, and the slice's first byte
    return write_shape(picture_for(codec).shape[:2])


@every
@settings(deadline=None, max_examples=40)
@given(data=st.binary(max_size=200))
def test_garbage_behind_a_sound_header_is_refused_or_is_a_picture_of_its_size(
    codec: Codec | PictureCodec, qp: QP, data: bytes
) -> None:
    picture = picture_for(codec)
    try:
        decoded = codec.decode(head(codec.encode(picture, qp), codec) + data)
    except CodecError:
        return
    assert isinstance(codec, (AVC, JPEG, ColourJPEG, HEVC420)), "an exact codec made a picture of 200 bytes at most"
    assert (decoded.shape, decoded.dtype) == (picture.shape, picture.dtype)


@pytest.mark.parametrize(("codec", "qp"), GREY, ids=label)
def test_what_is_not_its_kind_of_picture_is_refused(codec: Codec, qp: QP) -> None:
    wrong = sample_type(10 if codec.depth == 8 else 8)
    with pytest.raises(CodecError, match=f"a picture of {codec.depth} bits must be {grey(codec.depth).dtype}, not"):
        codec.encode(np.zeros((32, 32), wrong), qp)
    with pytest.raises(CodecError, match="must be 1 pixels or more on each side, not 0×32"):
        codec.encode(grey(codec.depth)[:0, :32], qp)
    with pytest.raises(CodecError, match="not of shape"):
        codec.encode(np.zeros((1, 2, 32, 32), grey(codec.depth).dtype), qp)
    if not codec.video:
        with pytest.raises(CodecError, match=r"must be \(H, W\), not of shape \(1, 48, 64\)"):
            codec.encode(grey(codec.depth)[None], qp)


@pytest.mark.parametrize("codec", [PNG(10), JPEG(), AVC(), LZMA(32), HEVC420(), ColourJPEG()], ids=label)
def test_a_worker_codes_it_as_this_process_does(codec: Codec | PictureCodec) -> None:
    qp = None if isinstance(codec, (PNG, LZMA)) else 40
    picture = picture_for(codec)
    with CodecPool(codec, 1) as pool:
        (coded,) = pool.code([picture], [qp])
    assert coded.data == codec.encode(picture, qp)
    np.testing.assert_array_equal(coded.picture, codec.decode(coded.data))


def test_codecs_load_neither_pillow_nor_torch_before_they_need_it() -> None:
    script = (
        "import sys, lightning_app.codecs as c;"
        "made = c.PNG(), c.JPEG(), c.ColourJPEG(), c.HEVC420(), c.AVC(), c.JPEGLS(), c.JPEGXL(), c.LZMA(), c.Raw();"
        "print(sorted({'PIL', 'torch', 'cv2', 'scipy'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True)
    assert run.stdout == "[]\n"


@every
def test_coding_and_failing_print_nothing(
    codec: Codec | PictureCodec, qp: QP, capfd: pytest.CaptureFixture[str]
) -> None:
    data = codec.encode(picture_for(codec), qp)
    codec.decode(data)
    with pytest.raises(CodecError):
        codec.decode(data[:6])
    assert capfd.readouterr() == ("", "")
