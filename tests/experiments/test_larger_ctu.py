"""The experiment's HEVC with a larger CTU is the program's HEVC in all else."""

import numpy as np
import pytest

from experiments.fewer_bits.larger_ctu import LargerCTU
from lightning_app.codecs import HEVC, Picture
from lightning_app.codecs.hevc_payload import sizes


def _picture() -> Picture:
    rows, columns = np.mgrid[:96, :128]
    noise = np.random.default_rng(0).integers(0, 40, rows.shape)
    picture: Picture = (100 + 50 * np.sin(rows / 9) * np.cos(columns / 7) + noise).astype(np.uint8)
    return picture


def test_with_a_ctu_of_16_the_bytes_are_those_of_the_program() -> None:
    assert LargerCTU(16).encode(_picture(), 32) == HEVC().encode(_picture(), 32)


@pytest.mark.parametrize("ctu", [32, 64])
def test_a_larger_ctu_codes_otherwise_and_is_decoded_from_as_short_a_header(ctu: int) -> None:
    codec, picture = LargerCTU(ctu), _picture()
    lossy = codec.encode(picture, 32)
    assert lossy != HEVC().encode(picture, 32)
    assert sizes(lossy).keys() == {"header", "slices"}
    error = np.square(codec.decode(lossy).astype(float) - picture).mean()
    assert 0 < error < 2 * np.square(HEVC().decode(HEVC().encode(picture, 32)).astype(float) - picture).mean()
    assert np.array_equal(codec.decode(codec.encode(picture, None)), picture)
