"""Tiling: where each channel stands, and that it is undone."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from lightning_app.tiling import grid, tile, untile

sides = st.integers(1, 9)


def test_channels_stand_in_reading_order() -> None:
    q = torch.arange(6).view(1, 6, 1, 1).expand(1, 6, 2, 2)
    assert tile(q)[0].tolist() == [
        [0, 0, 1, 1, 2, 2],
        [0, 0, 1, 1, 2, 2],
        [3, 3, 4, 4, 5, 5],
        [3, 3, 4, 4, 5, 5],
    ]


@given(st.integers(1, 3), st.integers(1, 40), sides, sides, st.sampled_from([torch.uint8, torch.uint16]))
def test_tiling_is_undone_exactly(b: int, c: int, n: int, m: int, dtype: torch.dtype) -> None:
    q = torch.randint(0, 255, (b, c, n, m)).to(dtype)
    pictures = tile(q)
    rows, cols = grid(c)
    assert rows * cols == c
    assert pictures.shape == (b, rows * n, cols * m)
    assert torch.equal(untile(pictures, (c, n, m)), q)


def test_max_7_of_the_paper_is_one_208_by_416_picture() -> None:
    assert tile(torch.zeros(1, 128, 26, 26)).shape == (1, 208, 416)
