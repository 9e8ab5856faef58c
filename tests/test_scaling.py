"""The range of the quantiser: by hand, against brute force, and against published values."""

import math

import pytest
import torch
from torch import Tensor

from lightning_app.channel import FeatureChannel
from lightning_app.errors import OptionError
from lightning_app.quantize import dequantize, quantize
from lightning_app.scaling import SIGMAS, feature_range, scaling_name


def laplace(left: float, right: float, count: int = 200_000, seed: int = 0) -> Tensor:
    """Features (1, 1, 1, count) of an asymmetric Laplace about 0 with the scale of each side."""
    draws = torch.distributions.Exponential(torch.tensor(1.0))
    torch.manual_seed(seed)
    sizes, side = draws.sample((count,)), torch.rand(count) < right / (left + right)
    return torch.where(side, right * sizes, -left * sizes).view(1, 1, 1, -1)


def error(v: Tensor, lo: float, hi: float, levels: int) -> float:
    """The mean squared error of rounding between two ends, as it is."""
    step = (hi - lo) / (levels - 1)
    rounded = ((v.clamp(lo, hi) - lo) / step).round() * step + lo
    return (rounded - v).square().mean().item()


def test_minmax_is_from_the_minimum_to_the_maximum() -> None:
    lo, hi = feature_range(torch.tensor([[-1.0, 3.0], [2.0, 5.0]]).view(2, 1, 1, 2), "minmax", 256)
    assert (lo.tolist(), hi.tolist()) == ([-1, 2], [3, 5])


def test_zscore_is_within_standard_deviations_of_the_mean_and_never_wider_than_minmax() -> None:
    v = torch.tensor([0.0] * 99 + [100.0]).view(1, 1, 10, 10)  # mean 1, deviation sqrt(99)
    lo, hi = feature_range(v, "zscore", 256)
    assert lo.item() == 0
    assert hi.item() == pytest.approx(1 + SIGMAS * math.sqrt(99))


@pytest.mark.parametrize(("levels", "published"), [(4, 2.83), (8, 3.89), (16, 5.03)])
def test_clip_of_laplaces_features_is_near_published_values(levels: int, published: float) -> None:
    """Banner, Nahshan and Soudry (NeurIPS 2019, ACIQ) in scales; their steps divide the range by the levels."""
    lo, hi = feature_range(laplace(1, 1), "clip", levels + 1)  # so do ours with one level more
    assert -lo.item() == pytest.approx(published, rel=0.03)
    assert hi.item() == pytest.approx(published, rel=0.03)


@pytest.mark.parametrize(("left", "right"), [(1.0, 1.0), (0.1, 1.0), (0.3, 2.0)])
@pytest.mark.parametrize("levels", [4, 8, 256])
def test_clip_errs_hardly_more_than_the_best_of_all_ranges(left: float, right: float, levels: int) -> None:
    v = laplace(left, right)
    lo, hi = feature_range(v, "clip", levels)
    least = min(error(v, -left * a / 2, right * b / 2, levels) for a in range(1, 30, 2) for b in range(1, 30, 2))
    assert error(v, lo.item(), hi.item(), levels) < 1.15 * least
    if levels < 256:
        assert error(v, lo.item(), hi.item(), levels) < 0.5 * error(v, v.min().item(), v.max().item(), levels)


def test_clip_behind_a_relu_starts_at_zero() -> None:
    v = laplace(1, 1).clamp(min=0)
    lo, hi = feature_range(v, "clip", 4, zero_min=True)
    assert lo.item() == 0
    assert error(v, 0, hi.item(), 4) < 1.15 * min(error(v, 0, top / 4, 4) for top in range(1, 60))


def test_each_image_has_a_range_of_its_own() -> None:
    both = torch.cat([laplace(1, 1), laplace(0.1, 3, seed=1)])
    for scaling in ("zscore", "clip"):
        alone = [feature_range(v[None], scaling, 8) for v in both]
        together = feature_range(both, scaling, 8)
        assert torch.equal(together[0], torch.cat([lo for lo, _ in alone]))
        assert torch.equal(together[1], torch.cat([hi for _, hi in alone]))


@pytest.mark.parametrize("scaling", ["minmax", "zscore", "clip"])
@pytest.mark.parametrize("value", [0.0, -3.25, 1e30])
def test_a_constant_tensor_survives_every_scaling(scaling: str, value: float) -> None:
    v = torch.full((2, 3, 2, 2), value)
    assert torch.equal(dequantize(*quantize(v, 8, scaling=scaling, levels=4), 8), v)  # type: ignore[arg-type]


@pytest.mark.parametrize("levels", [2, 3, 8, 256])
def test_levels_are_as_many_as_were_asked_for_and_the_ends_keep_their_values(levels: int) -> None:
    v = torch.linspace(-1, 4, 1000).view(1, 10, 10, 10)
    q, lo, hi = quantize(v, 8, levels=levels)
    assert sorted(set(q.flatten().tolist())) == list(range(levels))
    back = dequantize(q, lo, hi, 8)
    assert back.flatten()[[0, -1]].tolist() == pytest.approx([-1, 4])
    assert (back - v).abs().max().item() <= 5 / (levels - 1) / 2 + 1e-6


def test_values_beyond_the_range_become_its_ends() -> None:
    v = laplace(0.1, 1)
    q, lo, hi = quantize(v, 8, scaling="clip", levels=4)
    back = dequantize(q, lo, hi, 8)
    low, high = feature_range(v, "clip", 4)
    assert back.amin().item() == pytest.approx(low.item())
    assert back.amax().item() == pytest.approx(high.item(), rel=1e-5)
    assert high.item() < v.amax().item()


def test_few_levels_cost_few_bits_with_a_lossless_codec() -> None:
    v = {"max_5": laplace(0.1, 1, 16 * 32 * 32).view(1, 16, 32, 32)}
    bits = {}
    for scaling, levels in (("minmax", None), ("clip", 4)):
        channel = FeatureChannel(qps=["lossless"], codec=None, scaling=scaling, levels=levels, workers=1)  # type: ignore[arg-type]
        with channel.pool:
            bits[levels] = int(channel(v, ["lossless"])[1])
    assert bits[4] < 0.4 * bits[None]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"scaling": "percentile"}, "scaling must be minmax, zscore or clip, not percentile"),
        ({"levels": 1}, "levels must be 2 to 256 at 8 bits, not 1"),
        ({"levels": 257}, "levels must be 2 to 256 at 8 bits, not 257"),
        (
            {"levels": 4, "depth": 32},
            "levels is an option of the quantiser, and depth=32 does not quantise",
        ),
        ({"scaling": "clip", "depth": 32}, "scaling is an option of the quantiser, and depth=32 does not quantise"),
    ],
)
def test_a_wrong_option_gets_one_sentence(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(OptionError, match=sentence):
        FeatureChannel(qps=["lossless"], **options)  # type: ignore[arg-type]


def test_its_name_says_the_levels_where_they_are_fewer() -> None:
    assert [scaling_name("minmax", None), scaling_name("clip", 4)] == ["minmax", "clip/4"]
