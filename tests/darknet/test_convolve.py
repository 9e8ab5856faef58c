"""Kernels that are laid out once give what PyTorch's own convolution gives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest
import torch
from torch import Tensor, nn

from lightning_app.darknet import Network, unchanging
from lightning_app.darknet.convolve import Conv2d
from tests.darknet.conftest import NETWORKS


@pytest.fixture(scope="module")
def network() -> Network:
    return Network.from_cfg(NETWORKS / "yolov2-tiny-voc.cfg").eval()


@pytest.fixture
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    """As many threads in PyTorch, until the test ends; one where the test does not say."""
    before, number = torch.get_num_threads(), int(getattr(request, "param", 1))
    torch.set_num_threads(number)
    yield number
    torch.set_num_threads(before)


def picture(size: int) -> Tensor:
    return torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(size))


@pytest.mark.parametrize("size", [32, 320, 416])
@pytest.mark.parametrize("threads", [1, 2], indirect=True)
def test_the_bits_are_those_of_pytorchs_own_convolution(network: Network, size: int, threads: int) -> None:
    with torch.inference_mode():
        (plain,) = network(picture(size))
        with unchanging(network):
            for _ in range(2):
                (ours,) = network(picture(size))
                assert torch.equal(ours, plain)


def test_large_kernels_of_one_sample_have_pytorchs_own_bits_too(threads: int) -> None:
    torch.manual_seed(0)
    layer, x = Conv2d(1024, 1024, 1), torch.rand(1, 1024, 8, 8)
    with torch.no_grad():
        plain = layer(x)
        with unchanging(layer):
            assert torch.equal(layer(x), plain)


@pytest.mark.parametrize("error", [None, ZeroDivisionError], ids=["no error", "an error"])
def test_weights_that_change_afterwards_count(error: type[Exception] | None) -> None:
    layer = Conv2d(512, 512, 3, padding=1)
    x = torch.rand(1, 512, 8, 8)
    with torch.no_grad():
        with suppress(ZeroDivisionError), unchanging(layer):
            before = layer(x)
            if error is not None:
                raise error
        layer.weight.mul_(2)
        assert not torch.equal(layer(x), before)


def test_gradients_are_those_of_pytorchs_own_convolution() -> None:
    torch.manual_seed(0)
    layer, x = Conv2d(512, 512, 3, padding=1), torch.rand(1, 512, 8, 8)
    layer(x).square().sum().backward()
    plain, layer.weight.grad = layer.weight.grad, None
    with unchanging(layer):
        layer(x).square().sum().backward()
    assert plain is not None
    assert layer.weight.grad is not None
    assert torch.equal(layer.weight.grad, plain)


def test_lower_precisions_are_left_to_pytorch() -> None:
    layer, x = Conv2d(512, 512, 3, padding=1), torch.rand(1, 512, 8, 8)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        plain = nn.Conv2d.forward(layer, x)
        with unchanging(layer):
            ours = layer(x)
    assert ours.dtype == torch.bfloat16
    assert torch.equal(ours, plain)
