"""While the weights do not change, convolution, batch norm and activation are one call that gives the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest
import torch
from torch import Tensor, nn

from lightning_app.darknet import Network, unchanging
from lightning_app.darknet.convolve import FixedConvolution
from lightning_app.darknet.layers import Convolution
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


def trained(layer: Convolution) -> Convolution:
    """As a training leaves a layer: no value is the one that a layer begins with."""
    generator = torch.Generator().manual_seed(0)
    for tensor in layer.state_dict().values():
        if tensor.dtype == torch.float32:
            tensor.copy_(torch.rand(tensor.shape, generator=generator) - (0.5 if tensor.dim() == 4 else -0.1))
    return layer.eval()


def calls(monkeypatch: pytest.MonkeyPatch) -> list[FixedConvolution]:
    """Fills with the layers that ran as one call."""
    found: list[FixedConvolution] = []
    call = FixedConvolution.__call__

    def noted(fixed: FixedConvolution, x: Tensor) -> Tensor:
        found.append(fixed)
        return call(fixed, x)

    monkeypatch.setattr(FixedConvolution, "__call__", noted)
    return found


@pytest.mark.parametrize("size", [32, 320, 416])
@pytest.mark.parametrize("threads", [1, 2], indirect=True)
def test_a_network_gives_the_same_up_to_rounding_and_calls_each_layer_once(
    network: Network, size: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = calls(monkeypatch)
    with torch.inference_mode():
        (plain,) = network(picture(size))
        with unchanging(network):
            for _ in range(2):
                (ours,) = network(picture(size))
                torch.testing.assert_close(ours, plain, rtol=1e-5, atol=1e-4)
    convolutions = sum(isinstance(module, nn.Conv2d) for module in network.modules())
    assert len(found) == 2 * convolutions
    assert len(set(found)) == convolutions


@pytest.mark.parametrize("norm", [False, True], ids=["bias", "batch norm"])
@pytest.mark.parametrize("activation", ["linear", "leaky", "relu", "relie", "mish", "logistic"])
@pytest.mark.parametrize(
    ("groups", "stride", "dilation", "blur"), [(1, 1, 1, 0), (8, 1, 1, 0), (1, 2, 1, 0), (1, 1, 2, 0), (1, 2, 1, 1)]
)
def test_every_kind_of_layer_gives_what_double_precision_gives(
    norm: bool, activation: str, groups: int, stride: int, dilation: int, blur: int
) -> None:
    layer = trained(Convolution(8, 16, 3, stride, dilation, groups, norm, activation, dilation, blur))
    x = torch.randn(2, 8, 12, 20, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        with unchanging(layer):
            ours = layer(x)
        exact = layer.double()(x.double())
    torch.testing.assert_close(ours, exact.float(), rtol=1e-5, atol=1e-5)


def test_a_variance_near_zero_loses_no_more_than_pytorch_does() -> None:
    layer = trained(Convolution(64, 8, 1, batch_normalize=True, activation="leaky"))
    assert isinstance(layer.norm.running_var, Tensor)
    layer.norm.running_var.fill_(1e-9)
    x = torch.randn(1, 64, 9, 9, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        plain = layer(x)
        with unchanging(layer):
            ours = layer(x)
        exact = layer.double()(x.double())
    assert (ours - exact).abs().max() <= 2 * (plain - exact).abs().max()


@pytest.mark.parametrize("error", [None, ZeroDivisionError], ids=["no error", "an error"])
def test_weights_that_change_afterwards_count(error: type[Exception] | None) -> None:
    layer = trained(Convolution(8, 8, 3, padding=1, batch_normalize=True))
    x = torch.rand(1, 8, 8, 8)
    with torch.no_grad():
        with suppress(ZeroDivisionError), unchanging(layer):
            before = layer(x)
            if error is not None:
                raise error
        layer.conv.weight.mul_(2)
        assert not torch.allclose(layer(x), before)


def test_a_layer_in_training_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    found = calls(monkeypatch)
    layer = Convolution(8, 8, 3, padding=1, batch_normalize=True).train()
    with torch.no_grad(), unchanging(layer):
        layer(torch.rand(2, 8, 8, 8))
    assert not found


def test_gradients_are_those_of_pytorchs_own_convolution(monkeypatch: pytest.MonkeyPatch) -> None:
    found = calls(monkeypatch)
    layer, x = trained(Convolution(8, 8, 3, padding=1, batch_normalize=True)), torch.rand(1, 8, 8, 8)
    layer(x).square().sum().backward()
    plain, layer.conv.weight.grad = layer.conv.weight.grad, None
    with unchanging(layer):
        layer(x).square().sum().backward()
    assert plain is not None
    assert layer.conv.weight.grad is not None
    assert torch.equal(layer.conv.weight.grad, plain)
    assert not found


def test_other_precisions_are_left_to_pytorch(monkeypatch: pytest.MonkeyPatch) -> None:
    found = calls(monkeypatch)
    layer, x = trained(Convolution(8, 8, 3, padding=1, batch_normalize=True)), torch.rand(1, 8, 8, 8)
    with torch.no_grad(), unchanging(layer), torch.autocast("cpu", torch.bfloat16):
        assert layer(x).dtype == torch.bfloat16
    with torch.no_grad(), unchanging(layer.double()):
        assert layer(x.double()).dtype == torch.float64
    assert not found
