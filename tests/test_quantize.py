"""Eq. (2) and (3): the quantiser, by hand and by property."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lightning_app.errors import FeatureError, OptionError
from lightning_app.quantize import dequantize, quantize

DEPTHS = (8, 10, 12)


def test_eq_2_and_3_are_worked_out_by_hand() -> None:
    v = torch.tensor([-1.0, 0.0, 1.0, 4.0]).view(1, 4, 1, 1)
    q, lo, hi = quantize(v, 8)
    assert q.flatten().tolist() == [0, 51, 102, 255]  # (v + 1) / 5 · 255
    assert (lo.item(), hi.item()) == (-1, 4)
    assert dequantize(q, lo, hi, 8).flatten().tolist() == pytest.approx([-1, 0, 1, 4])


def test_each_picture_of_a_batch_has_its_own_range() -> None:
    q, lo, hi = quantize(torch.tensor([[0.0, 1.0], [10.0, 30.0]]).view(2, 2, 1, 1), 10)
    assert q.flatten(1).tolist() == [[0, 1023], [0, 1023]]
    assert (lo.tolist(), hi.tolist()) == ([0, 10], [1, 30])


@pytest.mark.parametrize(("bits", "dtype"), [(8, torch.uint8), (10, torch.uint16), (12, torch.uint16)])
def test_samples_fill_the_depth_in_its_type_and_the_range_is_float32(bits: int, dtype: torch.dtype) -> None:
    q, lo, hi = quantize(torch.randn(2, 3, 4, 5, dtype=torch.float64), bits)
    assert q.dtype == dtype
    assert (lo.dtype, hi.dtype) == (torch.float32, torch.float32)
    assert q.flatten(1).int().amax(dim=1).tolist() == [2**bits - 1] * 2
    assert q.flatten(1).int().amin(dim=1).tolist() == [0, 0]


@given(
    st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=40),
    st.sampled_from(DEPTHS),
)
def test_the_inverse_is_within_half_a_step(values: list[float], bits: int) -> None:
    v = torch.tensor(values).view(1, -1, 1, 1)
    q, lo, hi = quantize(v, bits)
    step = (hi - lo).item() / (2**bits - 1)
    slack = 4e-7 * max(abs(lo.item()), abs(hi.item()))  # of float32
    assert (dequantize(q, lo, hi, bits) - v).abs().max().item() <= step / 2 + slack


@pytest.mark.parametrize("value", [0.0, -3.25, 1e-38, 1e30])
@pytest.mark.parametrize("bits", DEPTHS)
def test_a_constant_tensor_survives(value: float, bits: int) -> None:
    v = torch.full((2, 3, 2, 2), value)
    q, lo, hi = quantize(v, bits)
    assert torch.equal(dequantize(q, lo, hi, bits), v)


@pytest.mark.parametrize("largest", [1e-44, 1e-38, 1e-20, 1e20, 1.7e38])
@pytest.mark.parametrize("bits", DEPTHS)
def test_tiny_and_huge_features_are_as_exact_as_others(largest: float, bits: int) -> None:
    v = largest * torch.linspace(-1, 1, 60).view(1, -1, 2, 2)
    q, lo, hi = quantize(v, bits)
    back = dequantize(q, lo, hi, bits)
    half = (hi - lo).double().item() / (2**bits - 1) / 2
    smallest = 1.5e-45  # that float32 tells apart
    assert (back.double() - v.double()).abs().max().item() <= half * 1.0002 + 2 * smallest


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_features_are_quantised_in_float32(dtype: torch.dtype) -> None:
    v = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0)).to(dtype)
    with torch.autocast("cpu", torch.bfloat16):
        got = quantize(v, 12)
        back = dequantize(*got, 12)
    for one, other in zip(got, quantize(v.float(), 12), strict=True):
        assert torch.equal(one, other)
    assert back.dtype == torch.float32
    assert torch.equal(back, dequantize(*quantize(v.float(), 12), 12))


def test_a_range_beyond_float32_is_refused() -> None:
    with pytest.raises(FeatureError, match="too large to quantise"):
        quantize(torch.tensor([-2e38, 2e38]).view(1, 2, 1, 1), 8)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_features_that_are_not_finite_are_refused(bad: float) -> None:
    v = torch.randn(2, 3, 2, 2)
    v[1, 2, 0, 1] = bad
    with pytest.raises(FeatureError, match="features are NaN, infinite"):
        quantize(v, 8)


def test_other_depths_are_refused() -> None:
    with pytest.raises(OptionError, match="depth must be 8, 10 or 12, not 9"):
        quantize(torch.zeros(1, 1, 1, 1), 9)


def test_zero_min_takes_the_minimum_for_zero_by_hand() -> None:
    v = torch.tensor([1.0, 2.0, 5.0, 5.0]).view(1, 4, 1, 1)
    q, lo, hi = quantize(v, 8, zero_min=True)
    assert q.flatten().tolist() == [51, 102, 255, 255]  # v / 5 · 255
    assert (lo.item(), hi.item()) == (0, 5)
    assert dequantize(q, lo, hi, 8).flatten().tolist() == pytest.approx([1, 2, 5, 5])


def test_zero_min_refuses_what_it_would_change() -> None:
    with pytest.raises(FeatureError, match="features are negative, so zero_min would change them"):
        quantize(torch.tensor([-0.01, 1.0]).view(1, 2, 1, 1), 8, zero_min=True)
