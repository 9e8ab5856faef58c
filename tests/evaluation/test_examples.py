"""The pictures that an evaluation keeps for its report."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from lightning_app.evaluation.examples import SIDE, jpeg


@pytest.mark.parametrize("shape", [(1, 40), (40, 1), (1, 30, 3), (60, 1, 3), (20, 30, 3)])
def test_a_picture_of_one_row_or_one_column_keeps_its_sides(shape: tuple[int, ...]) -> None:
    assert Image.open(BytesIO(jpeg(np.zeros(shape, np.uint8)))).size == (shape[1], shape[0])


def test_a_large_picture_is_made_smaller_and_keeps_its_aspect() -> None:
    assert Image.open(BytesIO(jpeg(np.zeros((2 * SIDE, 4 * SIDE, 3), np.uint8)))).size == (SIDE, SIDE // 2)
