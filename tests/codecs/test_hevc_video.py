"""Videos: frames that are coded each by itself, or predicted from those before."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lightning_app.codecs import HEVC, QP, Picture
from lightning_app.codecs.x265 import Prediction, Settings
from lightning_app.errors import CodecError

DEPTHS = (8, 10, 12)
SETTINGS: tuple[Settings, ...] = ("paper", "best", "faster", "fastest")
PREDICTIONS: tuple[Prediction, ...] = ("intra", "inter")
IDR, P = 20, 1  # nal_unit_type


def random_video(depth: int, frames: int, height: int = 32, width: int = 48, seed: int = 0) -> Picture:
    samples = np.random.default_rng(seed).integers(0, 2**depth, (frames, height, width))
    return samples.astype(np.uint8) if depth == 8 else samples.astype(np.uint16)


def moving_video(frames: int = 6) -> Picture:
    """A picture that moves by a pixel a frame, (F, 48, 64)."""
    rows, columns = np.mgrid[:48, : 64 + frames]
    picture = 128 + 60 * np.sin(rows / 5) * np.cos(columns / 7) + 30 * ((rows // 6 + columns // 5) % 2)
    return np.stack([picture[:, i : i + 64] for i in range(frames)]).astype(np.uint8)


def slice_types(data: bytes) -> list[int]:
    kinds = [unit[0] >> 1 & 63 for unit in HEVC.annex_b(data).split(b"\0\0\1")[1:]]
    return [kind for kind in kinds if kind < 32]


@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("depth", DEPTHS)
def test_a_lossless_video_is_exact(depth: int, setting: Settings, prediction: Prediction) -> None:
    codec = HEVC(depth, setting, prediction)
    for video in (random_video(depth, 4), random_video(depth, 3, 66, 70)):
        decoded = codec.decode(codec.encode(video, None))
        assert decoded.dtype == video.dtype
        np.testing.assert_array_equal(decoded, video)


@settings(deadline=None, max_examples=40)
@given(
    frames=st.integers(1, 4),
    height=st.integers(17, 40),
    width=st.integers(17, 40),
    prediction=st.sampled_from(PREDICTIONS),
    qp=st.sampled_from([None, 30]),
)
def test_a_video_comes_back_in_its_shape(frames: int, height: int, width: int, prediction: Prediction, qp: QP) -> None:
    video = random_video(8, frames, height, width)
    codec = HEVC(8, prediction=prediction)
    decoded = codec.decode(codec.encode(video, qp))
    assert decoded.shape == video.shape
    assert qp is not None or np.array_equal(decoded, video)


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_one_frame_is_a_video_and_no_picture(prediction: Prediction) -> None:
    codec = HEVC(8, prediction=prediction)
    video = random_video(8, 1)
    assert codec.decode(codec.encode(video, 27)).shape == (1, 32, 48)
    assert codec.decode(codec.encode(video[0], 27)).shape == (32, 48)
    assert len(codec.encode(video, 27)) == 1 + len(codec.encode(video[0], 27))  # that it is one frame


@pytest.mark.parametrize("setting", SETTINGS)
def test_an_intra_frame_decodes_as_the_picture_alone(setting: Settings) -> None:
    video = moving_video()
    decoded = HEVC().decode(HEVC(8, setting).encode(video, 32))
    alone = [HEVC().decode(HEVC(8, setting).encode(frame, 32)) for frame in video]
    np.testing.assert_array_equal(decoded, np.stack(alone))


def test_the_first_frame_alone_is_intra_however_long_the_video() -> None:
    video = random_video(8, 300, 17, 17)  # more than x265's usual 250 frames from one key frame to the next
    data = {prediction: HEVC(8, prediction=prediction).encode(video, None) for prediction in PREDICTIONS}
    assert slice_types(data["intra"]) == [IDR] * 300
    assert slice_types(data["inter"]) == [IDR] + [P] * 299
    for payload in data.values():
        np.testing.assert_array_equal(HEVC().decode(payload), video)


# x265 predicts P pictures that are one CTU wide from samples that the decoder has not; the CTU of `best` is 64 at most.
@pytest.mark.parametrize(
    ("setting", "height", "width"),
    [("paper", 40, 17), ("faster", 40, 17), ("best", 17, 32), ("best", 40, 32), ("best", 70, 64), ("best", 70, 65)],
)
def test_long_inter_videos_of_few_ctus_stay_exact(setting: Settings, height: int, width: int) -> None:
    video, codec = random_video(8, 120, height, width), HEVC(8, setting, "inter")
    np.testing.assert_array_equal(codec.decode(codec.encode(video, None)), video)


def test_inter_takes_no_frame_that_is_one_ctu_wide() -> None:
    codec = HEVC(8, prediction="inter")
    assert (HEVC().min_side, codec.min_side) == (16, 17)
    HEVC().encode(random_video(8, 2, 16, 16), 27)
    with pytest.raises(CodecError, match="must be 17 pixels or more on each side, not 32×16: pad it"):
        codec.encode(random_video(8, 2, 32, 16), 27)


def test_inter_pays_where_frames_resemble_each_other() -> None:
    for qp in (None, 22, 37):
        intra, inter = (len(HEVC(8, prediction=prediction).encode(moving_video(), qp)) for prediction in PREDICTIONS)
        assert inter < 0.6 * intra


def test_the_error_of_every_frame_grows_with_the_qp() -> None:
    video = random_video(8, 4)
    for prediction in PREDICTIONS:
        codec = HEVC(8, prediction=prediction)
        decoded = np.stack([codec.decode(codec.encode(video, qp)) for qp in (10, 22, 37, 51)])  # (QP, F, H, W)
        errors = ((decoded.astype(float) - video) ** 2).mean((2, 3))  # (QP, F)
        assert (np.diff(errors, axis=0) > 0).all()
        # A step of QP is 1.2: no frame is coded two steps away from the others.
        assert (errors[:3].max(1) / errors[:3].min(1) < 2).all()


def test_a_videos_bytes_do_not_depend_on_what_was_coded_before() -> None:
    video = moving_video()
    first = {prediction: HEVC(8, prediction=prediction).encode(video, 27) for prediction in PREDICTIONS}
    for count, (prediction, data) in itertools.product(range(3), first.items()):
        codec = HEVC(8, prediction=prediction)
        codec.encode(random_video(8, 1 + count), None)
        assert codec.encode(video, 27) == data
