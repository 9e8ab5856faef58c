"""Layers worked out by hand, and activations by the formulas of Darknet's activations.h."""

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from lightning_app.darknet.activations import ACTIVATIONS, OF_CHANNELS
from lightning_app.darknet.layers import Convolution, Route, Shortcut, Upsample
from lightning_app.darknet.pooling import MaxPool
from lightning_app.dropout import Dropout

FORMULAS: dict[str, Callable[[float], float]] = {
    "linear": lambda x: x,
    "leaky": lambda x: x if x > 0 else 0.1 * x,
    "relu": lambda x: x if x > 0 else 0,
    "relu6": lambda x: min(max(x, 0), 6),
    "logistic": lambda x: 1 / (1 + math.exp(-x)),
    "mish": lambda x: x * math.tanh(x if x > 20 else math.log(math.exp(x) + 1)),
    "swish": lambda x: x / (1 + math.exp(-x)),
    "hard_mish": lambda x: x if x > 0 else x * x / 2 + x if x > -2 else 0,
    "tanh": lambda x: 2 / (1 + math.exp(-2 * x)) - 1,
    "loggy": lambda x: 2 / (1 + math.exp(-x)) - 1,
    "elu": lambda x: x if x >= 0 else math.exp(x) - 1,
    "selu": lambda x: 1.0507 * x if x >= 0 else 1.0507 * 1.6732 * (math.exp(x) - 1),
    "gelu": lambda x: 0.5 * x * (1 + math.tanh(0.797885 * x + 0.035677 * x**3)),
    "relie": lambda x: x if x > 0 else 0.01 * x,
    "ramp": lambda x: (x if x > 0 else 0) + 0.1 * x,
    "hardtan": lambda x: min(max(x, -1), 1),
    "lhtan": lambda x: 0.001 * x if x < 0 else 0.001 * (x - 1) + 1 if x > 1 else x,
    "plse": lambda x: 0.01 * (x + 4) if x < -4 else 0.01 * (x - 4) + 1 if x > 4 else 0.125 * x + 0.5,
}


def test_every_activation_has_its_formula_here() -> None:
    assert set(FORMULAS) == set(ACTIVATIONS) - OF_CHANNELS


@pytest.mark.parametrize("name", FORMULAS)
def test_an_activation_is_darknets(name: str) -> None:
    samples = [-30.0, -7.0, -1.5, -0.01, 0.0, 0.3, 2.0, 5.9, 6.1, 19.0, 40.0]
    ours = ACTIVATIONS[name]()(torch.tensor(samples))
    assert ours.tolist() == pytest.approx([FORMULAS[name](x) for x in samples], rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("name", ["leaky", "relu", "relu6"])
def test_an_activation_overwrites_what_batch_norm_gave_and_keeps_its_gradient(name: str) -> None:
    torch.manual_seed(0)
    layer, given_by_norm = Convolution(3, 4, 3, batch_normalize=True, activation=name), []
    layer.norm.register_forward_hook(lambda _, __, output: given_by_norm.append((output.data_ptr(), output.clone())))
    nn.init.constant_(layer.norm.weight, 8.0)  # type: ignore[arg-type]  # beyond 6 too
    x = torch.randn(2, 3, 8, 8, requires_grad=True)
    output = layer(x)
    ((place, before),) = given_by_norm
    assert output.data_ptr() == place
    apart = {"leaky": F.leaky_relu(before, 0.1), "relu": F.relu(before), "relu6": F.relu6(before)}[name]
    assert torch.equal(output, apart)
    weights = torch.randn(output.shape)
    ours, theirs = (torch.autograd.grad((y * weights).sum(), x, retain_graph=True) for y in (output, apart))
    assert torch.equal(*ours, *theirs)


def test_activations_of_channels_are_worked_out_by_hand() -> None:
    """One position with channels ln 1, ln 3 and -1; Darknet adds 0.0001 to each sum."""
    x = torch.tensor([0.0, math.log(3), -1.0]).view(1, 3, 1, 1)
    share = ACTIVATIONS["normalize_channels"]()(x).flatten().tolist()
    assert share == pytest.approx([0, math.log(3) / (math.log(3) + 1e-4), 0])
    total = 1 + 3 + math.exp(-1)
    plain = ACTIVATIONS["normalize_channels_softmax"]()(x).flatten().tolist()
    assert plain == pytest.approx([p / (total + 1e-4) for p in (1, 3, math.exp(-1))])
    shifted = ACTIVATIONS["normalize_channels_softmax_maxval"]()(x).flatten().tolist()
    assert shifted == pytest.approx([p / 3 / (total / 3 + 1e-4) for p in (1, 3, math.exp(-1))])


def test_a_shortcut_adds_and_then_activates() -> None:
    x, y, z = torch.tensor([[1.0, -4.0]]), torch.tensor([[2.0, 1.0]]), torch.tensor([[-1.0, 1.0]])
    assert Shortcut("relu")(x, y).tolist() == [[3, 0]]
    assert Shortcut("linear")(x, y, z).tolist() == [[2, -2]]


def test_a_route_takes_its_group_of_every_input() -> None:
    x, y = torch.arange(4.0).view(1, 4, 1, 1), torch.arange(10.0, 12.0).view(1, 2, 1, 1)
    assert Route()(x, y).flatten().tolist() == [0, 1, 2, 3, 10, 11]
    assert Route(groups=2, group=1)(x, y).flatten().tolist() == [2, 3, 11]


def test_upsampling_repeats_and_scales() -> None:
    x = torch.tensor([[[[1.0, 2.0]]]])
    assert Upsample(2, scale=0.5)(x).tolist() == [[[[0.5, 0.5, 1, 1], [0.5, 0.5, 1, 1]]]]


def test_max_pooling_with_stride_1_pads_behind() -> None:
    """Darknet pads size - 1 in all, half of it, rounded down, before."""
    x = torch.tensor([[[[1.0, 2.0], [-3.0, -4.0]]]])
    assert MaxPool(size=2, stride=1, padding=1)(x).tolist() == [[[[2, 2], [-3, -4]]]]


@given(st.integers(1, 4), st.integers(1, 3), st.integers(0, 3), st.integers(4, 9), st.integers(4, 9))
def test_max_pooling_is_that_of_the_whole_padded_samples(size: int, stride: int, padding: int, n: int, m: int) -> None:
    x = torch.randn(2, 3, n, m, generator=torch.Generator().manual_seed(0))
    before, after = padding // 2, padding - padding // 2
    padded = F.pad(x, (before, after, before, after), value=-math.inf)
    assert torch.equal(MaxPool(size, stride, padding)(x), F.max_pool2d(padded, size, stride))


def test_max_pooling_copies_nothing_where_no_window_meets_the_padding() -> None:
    x = torch.randn(1, 2, 6, 6)
    with torch.profiler.profile() as profile:
        MaxPool(size=2, stride=2, padding=1)(x)
    assert "aten::pad" not in {event.key for event in profile.key_averages()}


def test_dropout_keeps_the_mean_and_drops_the_probability() -> None:
    layer = Dropout(0.2)
    dropped = layer(torch.full((4, 8, 64, 64), 2.0))
    assert dropped.unique().tolist() == [0, 2.5]
    assert (dropped == 0).float().mean().item() == pytest.approx(0.2, abs=0.005)
    assert dropped.mean().item() == pytest.approx(2, abs=0.01)
    assert not torch.equal(layer(torch.full((4, 8, 64, 64), 2.0)), dropped)


def test_the_gradient_passes_dropout_where_the_samples_did() -> None:
    x = torch.ones(1, 4, 8, 8, requires_grad=True)
    dropped = Dropout(0.5)(x)
    dropped.sum().backward()
    assert torch.equal(x.grad, dropped.detach())  # type: ignore[arg-type]


def test_dropout_hands_on_its_input_in_evaluation_mode() -> None:
    x = torch.ones(1, 2, 3, 3)
    assert Dropout(0.9).eval()(x) is x
