"""Layers of AlexeyAB's Darknet that OpenCV does not read, worked out by hand or by the formulas of its source."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from lightning_app.darknet import Network, load_weights, save_weights
from lightning_app.darknet.gates import Gate
from lightning_app.darknet.layers import BatchNorm, Reorg3D, WeightedShortcut
from lightning_app.darknet.pooling import Blur, DepthPool, LocalAveragePool, MaxPool

NET = "[net]\nwidth=12\nheight=8\nchannels=3\n"
FIRST = "[convolutional]\nfilters=4\nsize=3\npad=1\nactivation=linear\n"
HEAD = "[convolutional]\nfilters=7\nsize=1\nactivation=linear\n[region]\nanchors=1,1\nclasses=2\nnum=1\nsoftmax=1\n"


def numbers(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def test_a_gate_scales_channels_positions_or_samples_and_then_activates() -> None:
    x = torch.tensor([[[[1.0, -2.0]], [[3.0, 4.0]]]])  # (1, 2, 1, 2)
    channels, places = torch.tensor([2.0, 10.0]).view(1, 2, 1, 1), torch.tensor([5.0, -1.0]).view(1, 1, 1, 2)
    assert Gate()(channels, x).tolist() == [[[[2, -4]], [[30, 40]]]]
    assert Gate("relu")(places, x).tolist() == [[[[5, 2]], [[15, 0]]]]
    assert Gate()(x, x).tolist() == [[[[1, 4]], [[9, 16]]]]


@pytest.mark.parametrize("kind", ["none", "relu", "softmax"])
@pytest.mark.parametrize("per_channel", [True, False])
def test_a_weighted_shortcut_is_darknets_loop(kind: str, per_channel: bool) -> None:
    """``shortcut_multilayer_cpu``: of an input of fewer channels the first ones take part, at the shares of all."""
    layer = WeightedShortcut("linear", 3, 4 if per_channel else None, kind)
    weights = torch.tensor([[0.5, 1.0, -1.0, 2.0], [1.5, -0.5, 0.0, 1.0], [0.25, 2.0, 3.0, -2.0]])
    layer.weights.data = weights if per_channel else weights[:, :1]
    inputs = [numbers(2, 4, 3, 2), numbers(2, 4, 3, 2) + 1, numbers(2, 2, 3, 2) - 1]
    ours, stated = layer(*inputs).detach(), layer.weights.detach()
    for b, c, j, i in np.ndindex(2, 4, 3, 2):
        w = [float(stated[k, c if per_channel else 0]) for k in range(3)]
        powers = [max(v, 0) if kind == "relu" else math.exp(v - max(w)) for v in w]
        shares = w if kind == "none" else [p / (sum(powers) + 0.0001) for p in powers]
        expected = sum(share * float(x[b, c, j, i]) for share, x in zip(shares, inputs, strict=True) if c < x.shape[1])
        assert float(ours[b, c, j, i]) == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_reorg3d_is_darknets_loop() -> None:
    """``reorg_cpu`` with ``forward`` 0."""
    x, s = numbers(1, 3, 4, 6), 2
    ours = Reorg3D(s)(x)
    assert ours.shape == (1, 12, 2, 3)
    for k, j, i in np.ndindex(12, 2, 3):
        offset, c = divmod(k, 3)
        assert ours[0, k, j, i] == x[0, c, j * s + offset // s, i * s + offset % s]


@pytest.mark.parametrize(
    ("size", "stride", "padding"), [(3, (1, 2), 2), (2, (2, 1), 1), (3, (3, 2), 0), (2, (2, 2), 1)]
)
def test_pooling_takes_other_steps_down_than_along(size: int, stride: tuple[int, int], padding: int) -> None:
    """By the loops of ``forward_maxpool_layer`` and ``forward_local_avgpool_layer``."""
    x = numbers(1, 2, 7, 6)
    largest, mean = MaxPool(size, stride, padding)(x), LocalAveragePool(size, stride, padding)(x)
    rows, columns = (7 + padding - size) // stride[0] + 1, (6 + padding - size) // stride[1] + 1
    assert largest.shape == mean.shape == (1, 2, rows, columns)
    for c, j, i in np.ndindex(2, rows, columns):
        top, left = j * stride[0] - padding // 2, i * stride[1] - padding // 2
        window = x[0, c, max(top, 0) : top + size, max(left, 0) : left + size]
        assert largest[0, c, j, i] == window.max()
        assert float(mean[0, c, j, i]) == pytest.approx(float(window.mean()), rel=1e-5, abs=1e-6)


def test_pooling_over_depth_takes_every_so_manyeth_channel() -> None:
    x = numbers(1, 5, 2, 2)
    expected = torch.stack([x[:, 0::2].amax(dim=1), x[:, 1::2].amax(dim=1)], dim=1)
    assert torch.equal(DepthPool(2)(x), expected)


def test_the_blur_is_one_two_one_or_a_mean_of_four() -> None:
    x = torch.zeros(1, 2, 4, 4)
    x[0, 1, 1, 1] = 16
    assert Blur(1, (1, 1))(x)[0, 1, :3, :3].tolist() == [[1, 2, 1], [2, 4, 2], [1, 2, 1]]
    assert Blur(1, (2, 2))(x)[0, 1].tolist() == [[1, 1], [1, 1]]
    assert Blur(2, (1, 1))(x)[0, 1].tolist() == [[4, 4, 0], [4, 4, 0], [0, 0, 0]]
    assert Blur(1, (2, 2))(x)[0, 0].count_nonzero() == 0
    assert not Blur(1, (2, 2)).state_dict()  # no file of weights has it


BODIES = {
    "steps": ("[convolutional]\nfilters=5\nsize=3\npad=1\nstride_x=2\nstride_y=1\nactivation=relu\n", (5, 8, 6)),
    "one step given": ("[convolutional]\nfilters=5\nsize=3\npad=1\nstride=2\nstride_x=3\nactivation=relu\n", (5, 4, 4)),
    "dilation": ("[convolutional]\nfilters=5\nsize=3\npad=1\nstride=2\ndilation=2\nactivation=relu\n", (5, 4, 6)),
    "dilation of one": ("[convolutional]\nfilters=5\ndilation=9\nactivation=relu\n", (5, 8, 12)),
    "blurred": ("[convolutional]\nfilters=5\nsize=3\npad=1\nstride=2\nantialiasing=1\nactivation=relu\n", (5, 4, 6)),
    "mean": ("[convolutional]\nfilters=5\nsize=3\npad=1\nstride=2\nantialiasing=2\nactivation=relu\n", (5, 4, 6)),
    "pooled and blurred": ("[maxpool]\nsize=2\nstride=2\nantialiasing=1\n", (4, 4, 6)),
    "deep": ("[maxpool]\nmaxpool_depth=1\nout_channels=3\n", (3, 8, 12)),
    "mean of windows": ("[local_avgpool]\nsize=3\nstride=2\n", (4, 4, 6)),
    "space to depth": ("[reorg3d]\nstride=2\n", (16, 4, 6)),
    "norm alone": ("[batchnorm]\n", (4, 8, 12)),
    "activation alone": ("[activation]\nactivation=relu\n", (4, 8, 12)),
    "nothing": ("[empty]\n", (4, 8, 12)),
    "silence": ("[silence]\n", (4, 8, 12)),
    "weighted": ("[shortcut]\nfrom=-1\nweights_type=per_channel\nweights_normalization=softmax\n", (4, 8, 12)),
    "cross-iteration norm": ("[convolutional]\nfilters=5\ncbn=1\nactivation=leaky\n", (5, 8, 12)),
    "binary off": ("[convolutional]\nfilters=5\nxnor=0\nactivation=leaky\n", (5, 8, 12)),
    "dropblock": ("[dropout]\nprobability=.1\ndropblock=1\ndropblock_size_abs=7\n", (4, 8, 12)),
}


@pytest.mark.parametrize("body", BODIES)
def test_the_shape_that_is_stated_is_that_of_the_output(cfg: Callable[[str], Path], body: str) -> None:
    text, shape = BODIES[body]
    network = Network.from_cfg(cfg(NET + FIRST + text + HEAD)).eval()
    assert network.nodes[1].shape == shape
    (output,) = network.tapped(numbers(1, 3, 8, 12), (1,))
    assert output.shape == (1, *shape)
    assert all(torch.equal(a, b) for a, b in zip(*([network(numbers(1, 3, 8, 12))] * 2), strict=True))


def test_a_dilated_and_a_blurred_convolution_are_torchs(cfg: Callable[[str], Path]) -> None:
    for text in (BODIES["dilation"][0], BODIES["blurred"][0]):
        network = Network.from_cfg(cfg(NET + FIRST + text + HEAD)).eval()
        layer = network.layers["conv_1"]
        x, output = network.tapped(numbers(1, 3, 8, 12), (0, 1))
        weight, bias = (dict(layer.named_parameters())[f"conv.{part}"] for part in ("weight", "bias"))
        if "dilation" in text:
            expected = F.relu(F.conv2d(x, weight, bias, stride=2, padding=2, dilation=2))
        else:
            sharp, kernel = F.relu(F.conv2d(x, weight, bias, padding=1)), torch.tensor([1.0, 2, 1])
            kernel = (kernel[:, None] * kernel / 16).expand(5, 1, 3, 3)
            expected = F.conv2d(sharp, kernel, stride=2, padding=1, groups=5)
        torch.testing.assert_close(output, expected)


def test_weights_of_shortcuts_and_norms_are_written_and_read_where_darknet_has_them(
    cfg: Callable[[str], Path], tmp_path: Path
) -> None:
    """Biases, scales, means, variances of a ``[batchnorm]``; input by input those of a ``[shortcut]``."""
    text = "[batchnorm]\n[shortcut]\nfrom=-2\nweights_type=per_channel\nweights_normalization=relu\n"
    path = cfg(NET + FIRST + text + HEAD)
    network = Network.from_cfg(path)
    with torch.no_grad():
        for tensor in (*network.parameters(), *network.buffers()):
            if tensor.is_floating_point():
                tensor.copy_(numbers(*tensor.shape).abs() + 0.1)
    save_weights(network, tmp_path / "w.weights")
    values = np.frombuffer((tmp_path / "w.weights").read_bytes()[20:], "<f4")
    norm, shortcut = network.layers["batchnorm_1"], network.layers["shortcut_2"]
    assert isinstance(norm, BatchNorm)
    assert isinstance(shortcut, WeightedShortcut)
    parts: list[torch.Tensor] = [norm.norm.bias, norm.norm.weight, norm.norm.running_mean, norm.norm.running_var]  # type: ignore[list-item]
    start = 4 + 4 * 3 * 9
    expected = torch.cat([part.detach().flatten() for part in (*parts, shortcut.weights)]).numpy()
    np.testing.assert_array_equal(values[start : start + 24], expected)
    again = Network.from_cfg(path)
    assert load_weights(again, tmp_path / "w.weights") == []
    for name, tensor in network.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor) or name.endswith("num_batches_tracked")


def test_a_network_of_these_layers_is_cut_behind_each_and_its_halves_are_the_whole(cfg: Callable[[str], Path]) -> None:
    squeeze = (
        "[avgpool]\n[convolutional]\nfilters=2\nactivation=swish\n[convolutional]\nfilters=4\nactivation=logistic\n"
        "[scale_channels]\nfrom=-4\n[convolutional]\nfilters=4\nactivation=logistic\n[sam]\nfrom=-2\n"
    )
    text = (
        squeeze + "[shortcut]\nfrom=0,4\nweights_type=per_feature\nweights_normalization=relu\n[batchnorm]\n[empty]\n"
    )
    network = Network.from_cfg(cfg(NET + FIRST + text + HEAD)).eval()
    images = numbers(2, 3, 8, 12)
    with torch.no_grad():
        whole = network(images)
        for node in network.nodes:
            front, back, _ = network.split(node.name)
            assert all(map(torch.equal, back(front((images,))), whole)), node.name
    assert network.split("avgpool_1").crossing == ("avgpool_1", "conv_0")
    trained = network.train()
    sum(raw.square().mean() for raw in trained(images)).backward()
    assert all(p.grad is not None and bool(torch.isfinite(p.grad).all()) for p in trained.parameters())
    assert isinstance(trained.layers["shortcut_7"], nn.Module)
