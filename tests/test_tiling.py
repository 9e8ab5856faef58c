"""Layouts: where each channel stands, and that it is undone."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lightning_app.errors import OptionError
from lightning_app.tiling import Layout, grid, picture_shape, tile, untile

sides = st.integers(1, 9)
layouts = st.sampled_from(["tiled", "quilted", "frames"])


def constant_channels(channels: int) -> torch.Tensor:
    """(1, C, 2, 2), each channel filled with its own number."""
    return torch.arange(channels).view(1, channels, 1, 1).expand(1, channels, 2, 2)


def test_tiled_channels_stand_in_reading_order() -> None:
    assert tile(constant_channels(6))[0].tolist() == [
        [0, 0, 1, 1, 2, 2],
        [0, 0, 1, 1, 2, 2],
        [3, 3, 4, 4, 5, 5],
        [3, 3, 4, 4, 5, 5],
    ]


def test_quilted_neighbours_come_from_different_channels() -> None:
    assert tile(constant_channels(6), "quilted")[0].tolist() == [
        [0, 1, 2, 0, 1, 2],
        [3, 4, 5, 3, 4, 5],
        [0, 1, 2, 0, 1, 2],
        [3, 4, 5, 3, 4, 5],
    ]


def test_a_quilt_keeps_each_sample_near_its_place() -> None:
    q = torch.arange(4).view(1, 1, 2, 2).expand(1, 4, 2, 2)  # every channel holds 0 1 / 2 3
    assert tile(q, "quilted")[0].tolist() == [[0, 0, 1, 1], [0, 0, 1, 1], [2, 2, 3, 3], [2, 2, 3, 3]]


def test_frames_hold_a_group_of_channels_each_tiled() -> None:
    frames = tile(constant_channels(4), "frames", group=2)[0]
    assert frames.tolist() == [[[0, 0, 1, 1], [0, 0, 1, 1]], [[2, 2, 3, 3], [2, 2, 3, 3]]]
    assert torch.equal(tile(constant_channels(4), "frames")[0], constant_channels(4)[0])


@given(st.integers(1, 3), st.integers(1, 40), sides, sides, st.sampled_from([torch.uint8, torch.uint16]), layouts)
def test_every_layout_is_undone_exactly(b: int, c: int, n: int, m: int, dtype: torch.dtype, layout: Layout) -> None:
    q = torch.randint(0, 255, (b, c, n, m)).to(dtype)
    groups = [group for group in range(1, c + 1) if c % group == 0] if layout == "frames" else [1]
    for group in groups:
        pictures = tile(q, layout, group)
        assert pictures.shape == (b, *picture_shape((c, n, m), layout, group))
        assert torch.equal(untile(pictures, (c, n, m), layout, group), q)


@given(st.integers(1, 512))
def test_the_grid_has_a_place_for_every_channel_and_no_more(channels: int) -> None:
    rows, cols = grid(channels)
    assert rows * cols == channels
    assert rows <= cols


def test_max_7_of_the_paper_is_one_208_by_416_picture() -> None:
    assert tile(torch.zeros(1, 128, 26, 26)).shape == (1, 208, 416)


def test_a_group_that_does_not_divide_the_channels_is_refused() -> None:
    with pytest.raises(OptionError, match="group=4 must divide the 6 channels that are sent"):
        tile(constant_channels(6), "frames", group=4)
