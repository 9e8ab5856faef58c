"""What a training step keeps for its gradient, and that the gradient is the same."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.nn import functional as F

from lightning_app.darknet import Network
from lightning_app.darknet.batch_norm_again import norm_again
from lightning_app.darknet.layers import Convolution
from lightning_app.darknet.max_pool import max_pool
from lightning_app.darknet.pooling import MaxPool
from lightning_app.detector import freeze_statistics
from lightning_app.graph import IMAGE, Node
from lightning_app.graph.run import run

YOLO_LITE = Path(__file__).parents[2] / "configs/networks/yolo-lite.cfg"
NODES = (Node(0, "conv_0", (IMAGE,), (6, 16, 16), False), Node(1, "max_1", (0,), (6, 8, 8), False))


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@contextmanager
def noting_what_is_kept() -> Iterator[dict[int, tuple[torch.dtype, int]]]:
    """Type and bytes of each block of memory that is kept for a gradient."""
    kept: dict[int, tuple[torch.dtype, int]] = {}

    def pack(tensor: Tensor) -> Tensor:
        block = tensor.untyped_storage()
        kept[block.data_ptr()] = tensor.dtype, block.nbytes()
        return tensor

    with saved_tensors_hooks(pack, lambda tensor: tensor):
        yield kept


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])  # in which equal samples are frequent
@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
@pytest.mark.parametrize(
    ("size", "stride", "columns"), [(2, (2, 2), 6), (2, (2, 1), 300), (5, (1, 1), 9), (3, (2, 2), 7)]
)
def test_max_pooling_and_its_gradient_are_torchs_own_to_the_bit(
    size: int, stride: tuple[int, int], columns: int, layout: torch.memory_format, kind: torch.dtype
) -> None:
    x = random(2, 3, 8, columns).to(kind).contiguous(memory_format=layout).requires_grad_()
    ours, theirs = max_pool(x, size, stride), F.max_pool2d(x, size, stride)
    assert torch.equal(ours, theirs)
    upstream = random(*ours.shape, seed=1).to(kind)
    (mine,), (own,) = (torch.autograd.grad(y, x, upstream) for y in (ours, theirs))
    assert torch.equal(mine, own)
    assert mine.stride() == own.stride()


@pytest.mark.parametrize(("columns", "kind"), [(254, torch.uint8), (255, torch.int16), (32767, torch.int64)])
def test_max_pooling_keeps_a_byte_or_two_a_sample_of_its_output(columns: int, kind: torch.dtype) -> None:
    x = torch.zeros(1, 1, 2, columns, requires_grad=True)
    with noting_what_is_kept() as kept:
        y = max_pool(x, 2, (2, 2))
    places = {dtype: size for dtype, size in kept.values() if not dtype.is_floating_point}
    assert places == {kind: y.numel() * kind.itemsize}
    assert (len(kept) == 1) == (kind != torch.int64)  # torch's own, which keeps the input too


def test_the_gradient_of_max_pooling_is_the_slope_of_its_values() -> None:
    x = torch.randperm(2 * 2 * 6 * 6, generator=torch.Generator().manual_seed(0)).view(2, 2, 6, 6)
    assert torch.autograd.gradcheck(lambda x: max_pool(x, 3, (2, 1)), x.double().requires_grad_())


def batch_norm() -> nn.BatchNorm2d:
    norm = nn.BatchNorm2d(4, momentum=0.01)
    norm.weight.data, norm.bias.data = random(4, seed=2), random(4, seed=3)
    return norm


def test_the_gradient_of_a_batch_norm_that_computes_its_input_again_is_the_slope_of_its_values() -> None:
    norm = batch_norm().double()
    x = random(3, 4, 5, 5).double().requires_grad_()

    def of(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        once_more = x.detach().clone()
        own = batch_norm().double()
        own._parameters.clear()
        own.weight, own.bias = weight, bias  # type: ignore[assignment]
        return norm_again(x, own, once_more.clone)

    assert torch.autograd.gradcheck(of, (x, norm.weight, norm.bias))


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_a_batch_norm_that_computes_its_input_again_is_torchs_own(kind: torch.dtype) -> None:
    norm, x = batch_norm(), random(8, 4, 9, 9).to(kind).requires_grad_()
    own = deepcopy(norm)
    pairs = [(norm_again(x, norm, x.detach().clone), norm), (own(x), own)]
    assert torch.equal(pairs[0][0], pairs[1][0])
    for name, value in norm.state_dict().items():
        assert torch.equal(value, own.state_dict()[name]), name
    upstream = random(*x.shape, seed=1).to(kind)
    ours, theirs = (torch.autograd.grad(y, (x, *norm.parameters()), upstream, retain_graph=True) for y, norm in pairs)
    again = torch.autograd.grad(pairs[0][0], (x, *norm.parameters()), upstream)
    for mine, own_one, mine_again in zip(ours, theirs, again, strict=True):
        torch.testing.assert_close(mine, own_one, rtol=1e-5, atol=1e-6)
        assert torch.equal(mine, mine_again)


def both(activation: str = "leaky", seed: int = 0) -> dict[int, nn.Module]:
    """A convolution of the image, and a max pooling behind it."""
    convolution = Convolution(3, 6, 3, padding=1, batch_normalize=True, activation=activation).train()
    convolution.reset(torch.Generator().manual_seed(seed))
    return {0: convolution, 1: MaxPool(2, 2, 1)}


def one_by_one(layers: dict[int, nn.Module], x: Tensor) -> Tensor:
    """With torch's own functions alone."""
    layer = layers[0]
    assert isinstance(layer, Convolution)
    return F.max_pool2d(layer.activation(layer.norm(layer.conv(x))), 2, 2)


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("activation", ["leaky", "relu", "relu6", "mish"])
def test_a_convolution_and_a_max_pooling_give_together_what_they_give_one_by_one(
    activation: str, precision: torch.dtype
) -> None:
    layers = both(activation)
    own = deepcopy(layers)
    x = random(4, 3, 16, 16).contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", precision, enabled=precision != torch.float32):
        (ours,) = run(NODES, lambda node: layers[node.index], (IMAGE,), (1,), (x,))
        theirs = one_by_one(own, x)
    assert torch.equal(ours, theirs)
    upstream = random(*ours.shape, seed=1).to(ours.dtype)
    for y, some in ((ours, layers), (theirs, own)):
        torch.autograd.backward(y, upstream, inputs=list(some[0].parameters()))
    for (name, mine), (_, other) in zip(layers[0].named_parameters(), own[0].named_parameters(), strict=True):
        assert mine.grad is not None
        assert other.grad is not None
        near = (
            1e-5 if precision == torch.float32 else 2e-2
        )  # bfloat16 has equal samples that leaky makes of unequal ones
        assert (mine.grad - other.grad).norm() <= near * other.grad.norm(), name


def test_a_convolution_and_a_max_pooling_keep_little_of_what_they_keep_one_by_one() -> None:
    layers, x = both(), random(4, 3, 16, 16)
    with noting_what_is_kept() as together:
        run(NODES, lambda node: layers[node.index], (IMAGE,), (1,), (x,))
    with noting_what_is_kept() as alone:
        one_by_one(layers, x)
    sizes = [sum(size for _, size in kept.values()) for kept in (together, alone)]
    image, pooled, convolved = (4 * values for values in (x.numel(), x.numel() // 2, 2 * x.numel()))
    assert sizes[0] < image + pooled + pooled // 4 + 2000  # places take a byte; the values of channels take hundreds
    assert sizes[1] > image + 2 * convolved + 2 * pooled  # int64


def test_layers_run_one_by_one_where_somebody_wants_what_is_between_them() -> None:
    layers, x = both(), random(4, 3, 16, 16)
    between, _ = run(NODES, lambda node: layers[node.index], (IMAGE,), (0, 1), (x,))
    seen: list[Tensor] = []
    layers[0].register_forward_hook(lambda _, __, given: seen.append(given))
    run(NODES, lambda node: layers[node.index], (IMAGE,), (1,), (x,))
    assert torch.equal(seen[0], between)


def gradients(
    network: Callable[[Tensor], tuple[Tensor, ...]], parameters: Sequence[Tensor], image: Tensor
) -> list[Tensor]:
    loss = torch.stack([raw.square().mean() for raw in network(image)]).sum()
    return list(torch.autograd.grad(loss, parameters))


def test_a_network_learns_the_same_whether_its_layers_run_together_or_one_by_one() -> None:
    network = Network.from_cfg(YOLO_LITE).train()
    image, parameters = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0)), list(network.parameters())
    keys = list(network.state_dict())
    ours = gradients(network, parameters, image)
    for layer in network.layers.values():
        layer.register_forward_hook(lambda *_: None)
        if isinstance(layer, Convolution):
            layer.norm.register_forward_hook(lambda *_: None)
    for mine, theirs in zip(ours, gradients(network, parameters, image), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-6)
    assert list(network.state_dict()) == keys


def test_torchs_compiler_takes_a_network_that_is_trained_as_one_graph() -> None:
    network = Network.from_cfg(YOLO_LITE).train()
    image, parameters = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0)), list(network.parameters())
    ours = gradients(network, parameters, image)
    compiled = torch.compile(network, backend="aot_eager", fullgraph=True)
    for mine, theirs in zip(ours, gradients(compiled, parameters, image), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-3, atol=1e-5)


def test_a_network_in_training_can_be_exported() -> None:
    network, image = Network.from_cfg(YOLO_LITE).train(), torch.rand(2, 3, 64, 64)
    exported = torch.export.export(network, (image,)).graph
    assert not [node for node in exported.nodes if "_MaxPool" in str(node.target) or "_BatchNorm" in str(node.target)]


def test_frozen_statistics_stay_as_they_are_in_every_layer() -> None:
    network = Network.from_cfg(YOLO_LITE).train()
    freeze_statistics(network)
    before = {name: value.clone() for name, value in network.named_buffers()}
    torch.stack([raw.sum() for raw in network(torch.rand(2, 3, 64, 64))]).sum().backward()  # type: ignore[no-untyped-call]
    assert all(torch.equal(value, before[name]) for name, value in network.named_buffers())
