"""``binary=1`` and ``xnor=1`` give what Darknet's loops give, learn, and stand in a network like any convolution."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from lightning_app.darknet import Network, load_weights, save_weights
from lightning_app.darknet.layers import Convolution, unchanging

NET = "[net]\nwidth=12\nheight=8\nchannels=3\n"
FIRST = "[convolutional]\nfilters=4\nsize=3\npad=1\nactivation=linear\n"
LAYER = "[convolutional]\n{}=1\nbatch_normalize=1\nfilters=6\nsize=3\npad=1\nstride=2\nactivation=leaky\n"
HEAD = "[convolutional]\nfilters=7\nsize=1\nactivation=linear\n[region]\nanchors=1,1\nclasses=2\nnum=1\nsoftmax=1\n"


def numbers(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("xnor", [False, True])
def test_a_binary_convolution_is_darknets_loop(groups: int, xnor: bool) -> None:
    """``binarize_weights`` and ``binarize_cpu``: a zero counts as -1, and beyond the border there are zeros."""
    layer = Convolution(4, 6, 3, 2, 1, groups, activation="linear", binary=not xnor, xnor=xnor)
    x, weight = numbers(2, 4, 5, 7), numbers(6, 4 // groups, 3, 3)
    x[0, 0, 0, 0] = weight[0, 0, 0, 0] = 0
    with torch.no_grad():
        layer.conv.weight.copy_(weight)
        layer.conv.bias = None
        ours = layer(x).numpy()
    inputs = np.pad(np.where(x.numpy() > 0, 1, -1) if xnor else x.numpy(), ((0, 0), (0, 0), (1, 1), (1, 1)))
    w = weight.numpy()
    for b, f, j, i in np.ndindex(*ours.shape):
        first = f // (6 // groups) * (4 // groups)
        window = inputs[b, first : first + 4 // groups, 2 * j : 2 * j + 3, 2 * i : 2 * i + 3]
        expected = np.abs(w[f]).mean() * (np.where(w[f] > 0, 1, -1) * window).sum()
        assert ours[b, f, j, i] == pytest.approx(expected, rel=1e-5, abs=1e-5)


def test_weights_learn_by_the_gradient_of_their_signs_and_samples_between_minus_one_and_one() -> None:
    """``backward_convolutional_layer_gpu``: the gradient of the samples is that of ``HARDTAN``."""
    layer = Convolution(2, 3, 3, padding=1, activation="linear", xnor=True)
    layer.conv.bias = None
    x = numbers(1, 2, 5, 5).requires_grad_()
    weight = layer.conv.weight.detach()
    signs, binary = (x > 0).float() * 2 - 1, ((weight > 0).float() * 2 - 1) * weight.abs().mean((1, 2, 3), keepdim=True)
    layer(x).square().sum().backward()
    stands_for = [tensor.detach().requires_grad_() for tensor in (signs, binary)]
    F.conv2d(stands_for[0], stands_for[1], padding=1).square().sum().backward()  # type: ignore[no-untyped-call]
    assert layer.conv.weight.grad is not None
    torch.testing.assert_close(layer.conv.weight.grad, stands_for[1].grad)
    expected = stands_for[0].grad
    assert expected is not None
    torch.testing.assert_close(x.grad, torch.where(x.detach().abs() < 1, expected, 0.0))


@pytest.mark.parametrize("option", ["binary", "xnor"])
def test_a_network_of_binary_layers_is_cut_measured_and_written_like_any_other(
    cfg: Callable[[str], Path], tmp_path: Path, option: str
) -> None:
    path = cfg(NET + FIRST + LAYER.format(option) + "bin_output=1\n" + LAYER.format(option) + HEAD)
    network, images = Network.from_cfg(path).eval(), numbers(2, 3, 8, 12)
    with torch.no_grad():
        whole = network(images)
        with unchanging(network):
            assert all(map(torch.allclose, network(images), whole))
        for node in network.nodes[:3]:
            front, back, _ = network.split(node.name)
            assert all(map(torch.equal, back(front((images,))), whole)), node.name
        plain = Network.from_cfg(cfg(path.read_text().replace(f"{option}=1", f"{option}=0"))).eval()
        plain.load_state_dict(network.state_dict())
        assert not torch.allclose(plain(images)[0], whole[0])
    save_weights(network, tmp_path / "w.weights")
    again = Network.from_cfg(path, seed=7)
    assert load_weights(again, tmp_path / "w.weights") == []
    assert all(torch.equal(again.state_dict()[name], tensor) for name, tensor in network.state_dict().items())
