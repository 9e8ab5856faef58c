"""Rate: an estimate of the bits that has a gradient, and that follows what HEVC really takes."""

from typing import Any

import numpy as np
import pytest
import torch
from scipy.fft import dctn
from torch import Tensor

from lightning_app.channel import FeatureChannel
from lightning_app.codecs import HEVC, JPEG, PNG, Raw
from lightning_app.criteria import Rate
from lightning_app.errors import OptionError
from lightning_app.rate_estimate import estimate_bits, sample_step
from lightning_app.wire import WireFormat

QPS = (22, 27, 32, 37, 42)


def features(images: int = 6, channels: int = 16, seed: int = 0) -> Tensor:
    """Smooth non-negative features with detail of different strength in every image."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(images, channels, 4, 4, generator=generator)
    fine = torch.rand(images, channels, 32, 32, generator=generator)
    strength = torch.linspace(0.02, 0.6, images)[:, None, None, None]
    return torch.nn.functional.interpolate(coarse, size=(32, 32), mode="bilinear") + strength * fine


def test_the_estimate_follows_the_real_bits_from_picture_to_picture_and_from_qp_to_qp() -> None:
    v, channel = features(), FeatureChannel("max_5", workers=1)
    estimated, real = [], []
    with channel.pool:
        for qp in QPS:
            _, bits = channel({"max_5": v}, [qp] * len(v))
            estimated.append(estimate_bits({"max_5": v}, [qp] * len(v), channel.wire).log2())
            real.append(bits.log2())
    by_qp = [np.corrcoef(a.numpy(), b.numpy())[0, 1] for a, b in zip(estimated, real, strict=True)]
    assert min(by_qp) > 0.9
    assert np.corrcoef(torch.cat(estimated).numpy(), torch.cat(real).numpy())[0, 1] > 0.95


def test_the_estimate_is_what_the_formula_says_of_every_block() -> None:
    v = torch.rand(1, 4, 16, 8, generator=torch.Generator().manual_seed(1))
    wire = WireFormat("max_5", HEVC(depth=8))
    picture = (v[0] - v.min()) / (v.max() - v.min()) * 255
    tiled = np.block([[picture[0].numpy(), picture[1].numpy()], [picture[2].numpy(), picture[3].numpy()]])  # (32, 16)
    total = 0.0
    for row in range(0, 32, 8):
        left = 0.0
        for column in (0, 8):
            block = dctn(tiled[row : row + 8, column : column + 8].astype(float), norm="ortho")
            left, block[0, 0] = block[0, 0], block[0, 0] - left
            total += np.log2(1 + (2 * abs(block) / 2 ** ((32 - 4) / 6)) ** 3).sum() / 3
    assert estimate_bits({"max_5": v}, [32], wire).item() == pytest.approx(total, rel=1e-4)


def test_the_step_doubles_with_every_six_qps_and_is_in_units_of_a_sample() -> None:
    eight, twelve = (WireFormat("max_5", HEVC(depth=depth), depth=depth) for depth in (8, 12))
    assert [sample_step(eight, qp) for qp in (None, 0, 4, 10, 16, 22)] == [1, 1, 1, 2, 4, 8]
    assert [sample_step(twelve, qp) for qp in (None, 4, 22)] == [1, 16, 128]
    assert sample_step(WireFormat("max_5", JPEG()), 50) == 16  # ITU-T T.81, Table K.1
    assert sample_step(WireFormat("max_5", PNG()), None) == 1


@pytest.mark.parametrize("options", [{"layout": "quilted"}, {"layout": "frames", "group": 4}, {"depth": 10}])
def test_every_layout_and_depth_has_an_estimate_with_a_gradient(options: Any) -> None:
    wire = WireFormat("max_5", HEVC(depth=options.get("depth", 8)), **options)
    v = features(2).requires_grad_()
    estimate = estimate_bits({"max_5": v, "conv_7": 2 * v}, [32, "lossless"], wire)
    assert estimate.shape == (2,)
    estimate.sum().backward()  # type: ignore[no-untyped-call]
    assert v.grad is not None
    assert bool(torch.isfinite(v.grad).all())
    assert v.grad.abs().max().item() > 0


def test_steps_against_the_gradient_save_real_bits() -> None:
    v, channel = features()[4:], FeatureChannel("max_5", workers=1)
    moved = v.clone().requires_grad_()
    for _ in range(20):
        (gradient,) = torch.autograd.grad(estimate_bits({"max_5": moved}, [32, 32], channel.wire).sum(), moved)
        moved = (moved - 0.002 * gradient.sign()).detach().requires_grad_()
    with channel.pool:
        before, after = (channel({"max_5": x.detach()}, [32, 32])[1] for x in (v, moved))
    assert bool((after < 0.95 * before).all())


def test_a_constant_tensor_costs_a_finite_number_of_bits() -> None:
    estimate = estimate_bits({"max_5": torch.full((1, 4, 8, 8), 3.0)}, [22], WireFormat("max_5", HEVC(depth=8)))
    assert estimate.item() == 0


@pytest.mark.parametrize(
    ("wire", "told"),
    [(None, "without a channel none are sent"), (WireFormat("max_5", Raw(), depth=32), "set model.channel.depth to 8")],
)
def test_where_no_bits_can_be_estimated_the_criterion_is_refused(wire: Any, told: str) -> None:
    network: Any = None  # is not asked
    with pytest.raises(OptionError, match=told):
        Rate().check(network, wire)
