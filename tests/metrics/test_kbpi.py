import math

import pytest
import torch
from torch import Tensor

from lightning_app.errors import OptionError
from lightning_app.metrics import KilobitsPerImage


def rate(bits: list[int], indices: list[int]) -> dict[str, Tensor]:
    metric = KilobitsPerImage()
    metric.update(torch.tensor(bits), torch.tensor(indices))
    return metric.compute()


def test_a_picture_of_1000_bytes_is_8_kilobits() -> None:
    assert rate([8000], [0])["kbpi"].item() == 8
    assert rate([8000], [0])["kbpi_std"].item() == 0


def test_the_mean_and_the_population_deviation_are_taken_over_pictures() -> None:
    result = rate([16000, 32000, 32000, 32000, 40000, 40000, 56000, 72000], list(range(8)))
    # Twice the textbook sample 2 4 4 4 5 5 7 9, in units of 8 kbit: mean 5, population deviation 2.
    assert result["kbpi"].item() == 40
    assert result["kbpi_std"].item() == 16
    assert result["images"].item() == 8


def test_a_picture_seen_again_counts_once() -> None:
    metric = KilobitsPerImage()
    metric.update(torch.tensor([800, 1600]), torch.tensor([5, 9]))
    metric.update(torch.tensor([800, 800]), torch.tensor([5, 5]))
    assert metric.compute()["kbpi"].item() == pytest.approx(1.2)
    assert metric.compute()["images"].item() == 2


def test_of_two_sizes_of_a_picture_the_smaller_counts_in_any_order() -> None:
    assert rate([800, 1600, 8], [1, 1, 2]) == rate([8, 1600, 800], [2, 1, 1])
    assert rate([800, 1600], [1, 1])["kbpi"].item() == 0.8


def test_the_order_of_pictures_does_not_change_the_last_digit() -> None:
    bits = [8 * (3**k % 1_000_003) for k in range(500)]
    assert rate(bits, list(range(500))) == rate(bits[::-1], list(range(500))[::-1])


@pytest.mark.parametrize("size", [4095, 4096, 4097, 2**24 + 1, 22_151_201, 2**36 - 1])
def test_sizes_up_to_64_gibibytes_are_counted_to_the_byte(size: int) -> None:
    assert rate([8 * size], [2**24 - 1])["kbpi"].item() == 8 * size / 1000


def test_larger_sizes_are_refused() -> None:
    with pytest.raises(OptionError, match="less than 64 GiB a picture, not 549755813888"):
        rate([8 * 2**36], [0])


def test_of_two_sizes_of_a_picture_the_smaller_counts_however_they_are_kept() -> None:
    assert rate([8 * 5000, 8 * 4999, 8 * 9000], [3, 3, 3])["kbpi"].item() == 8 * 4999 / 1000


def test_small_integer_types_are_counted_exactly() -> None:
    metric = KilobitsPerImage()
    metric.update(torch.tensor([248], dtype=torch.uint8), torch.tensor([120], dtype=torch.int8))
    assert metric.compute()["kbpi"].item() == 0.248


@pytest.mark.parametrize(
    ("bits", "indices", "message"),
    [
        ([12], [0], "whole bytes, not 12"),
        ([-8], [0], "whole bytes, not -8"),
        ([8], [-1], r"0 … 2\*\*24 - 1, not -1"),
        ([8], [2**24], r"0 … 2\*\*24 - 1, not 16777216"),
        ([8, 8], [0], "in pairs, not 2 with 1"),
        ([8.0], [0], "bits must be .* integers, not .*float32"),
        ([8], [True], "indices must be .* integers, not .*bool"),
        ([[8]], [0], r"bits must be \(B,\) integers, not \(1, 1\)"),
    ],
)
def test_what_cannot_be_counted_exactly_is_refused(bits: list[int], indices: list[int], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        rate(bits, indices)


def test_no_picture_at_all_is_nan_without_a_warning() -> None:
    result = KilobitsPerImage().compute()
    assert math.isnan(result["kbpi"])
    assert math.isnan(result["kbpi_std"])
    assert result["images"].item() == 0


def test_an_empty_batch_changes_nothing() -> None:
    metric = KilobitsPerImage()
    metric.update(torch.zeros(0, dtype=torch.long), torch.zeros(0, dtype=torch.long))
    metric.update(torch.tensor([8000]), torch.tensor([0]))
    assert metric.compute()["kbpi"].item() == 8


def test_reset_forgets_every_picture() -> None:
    metric = KilobitsPerImage()
    metric.update(torch.tensor([8]), torch.tensor([0]))
    metric.compute()
    metric.reset()
    assert metric.compute()["images"].item() == 0


def test_the_states_stay_float32_in_a_half_precision_model() -> None:
    metric = KilobitsPerImage()
    torch.nn.ModuleList([metric]).to(torch.float16)
    assert metric.dtype == torch.float32  # of the empty state that a rank without pictures gathers
    metric.update(torch.tensor([8 * 4097]), torch.tensor([4097]))
    assert metric.compute()["kbpi"].item() == 8 * 4097 / 1000
