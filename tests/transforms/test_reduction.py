"""Fewer channels, or some of them more finely: what each transform finds on training images, and what it then sends."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from lightning_app.channel import FeatureChannel
from lightning_app.darknet import Network
from lightning_app.darknet.weights import save_weights
from lightning_app.errors import OptionError
from lightning_app.records.points import read_points
from lightning_app.systems import Collaborative
from lightning_app.transforms import (
    KLT,
    Bottleneck,
    Chain,
    ChannelGain,
    ChannelSelection,
    ChannelTruncation,
    FeatureTransform,
)
from lightning_app.transforms.examples import FeatureBatch

Dfc = Callable[..., tuple[int, str, str]]
SHAPES = Path(__file__).parents[2] / "configs/networks/shapes.cfg"
CHECKPOINT = "checkpoints/demo/plain/last.ckpt"
CHANNEL = ("--model.channel.split", "max_5", "--model.channel.qps", "[lossless,37]")


def features(scales: list[float], seed: int = 0, size: tuple[int, int] = (8, 6)) -> Tensor:
    """(4, C, 8, 6) whose channels have the scales, each about its own number."""
    noise = torch.rand(4, len(scales), *size, generator=torch.Generator().manual_seed(seed)) - 0.5
    numbers = torch.arange(len(scales), dtype=torch.float32)
    return noise * torch.tensor(scales)[:, None, None] + numbers[:, None, None]


def initialised(transform: FeatureTransform, *batches: Tensor) -> FeatureTransform:
    transform.prepare({"a": (batches[0].shape[1], batches[0].shape[2], batches[0].shape[3])})
    transform.initialise([FeatureBatch({"a": v}, lambda others: others["a"].sum() * 0) for v in batches])
    return transform


def through(transform: FeatureTransform, v: Tensor) -> tuple[Tensor, Tensor]:
    reduced = transform.reduce({"a": v})
    return reduced["a"], transform.restore(reduced, torch.zeros(len(v)))["a"]


def test_channels_of_the_smallest_range_are_not_sent_and_become_their_mean() -> None:
    v = features([1, 0.1, 2, 0.2])
    sent, back = through(initialised(ChannelTruncation(0.5), v[:1], v[1:]), v)
    assert torch.equal(sent, v[:, [0, 2]])
    assert torch.equal(back[:, [0, 2]], v[:, [0, 2]])
    for channel in (1, 3):
        assert torch.allclose(back[:, channel], v[:, channel].mean())


def test_all_channels_are_sent_where_all_are_kept_and_one_where_hardly_any_is() -> None:
    v = features([1, 2, 3])
    assert torch.equal(through(initialised(ChannelTruncation(1), v), v)[1], v)
    assert through(initialised(ChannelTruncation(0.01), v), v)[0].shape == (4, 1, 8, 6)


def test_values_that_a_checkpoint_has_brought_are_kept() -> None:
    kinds: list[Callable[[], FeatureTransform]] = [
        lambda: ChannelTruncation(0.5),
        lambda: ChannelSelection(0.5),
        lambda: Bottleneck(2, sensitivity=0),
    ]
    for make in kinds:
        first, second = initialised(make(), features([1, 0.1, 2, 0.2])), make()
        second.prepare({"a": (4, 8, 6)})
        second.load_state_dict(first.state_dict())
        second.initialise([FeatureBatch({"a": features([0.1, 5, 0.2, 7], seed=1)}, lambda others: others["a"].sum())])
        assert all(torch.equal(second.state_dict()[name], value) for name, value in first.state_dict().items())


def test_behind_a_klt_the_components_that_hardly_vary_are_left_out() -> None:
    v = features([4, 3, 0.02, 0.01])
    mixed = torch.einsum("oc,bchw->bohw", torch.linalg.qr(torch.randn(4, 4))[0], v)
    sent, back = through(initialised(Chain([KLT(0), ChannelTruncation(0.5)]), mixed), mixed)
    assert sent.shape == (4, 2, 8, 6)
    assert (back - mixed).abs().max() < 0.03
    alone = through(initialised(ChannelTruncation(0.5), mixed), mixed)[1]
    assert (alone - mixed).abs().max() > 0.3


def test_channels_that_follow_from_others_are_not_sent_and_come_back() -> None:
    a, b = features([3, 2]).unbind(1)
    v = torch.stack([a + b - 1, a, 2 * a + 7, b, torch.full_like(a, 5)], dim=1)
    sent, back = through(initialised(ChannelSelection(0.4), v[:1], v[1:]), v)
    assert sent.shape == (4, 2, 8, 6)
    assert (back - v).abs().max() < 1e-4


def test_channels_that_are_sent_come_back_as_they_were_sent() -> None:
    v = features([1, 2, 3, 4])
    transform = initialised(ChannelSelection(0.5), v)
    sent, back = through(transform, v)
    assert torch.allclose(back[:, transform.get_buffer("kept_0")], sent, atol=1e-5)
    assert torch.equal(transform.get_buffer("kept_0"), torch.tensor([2, 3]))  # which leave least in the others


def test_a_gain_is_larger_where_the_heads_are_more_sensitive_and_is_taken_back() -> None:
    v = features([1, 1, 1, 1])
    transform = ChannelGain(1)
    transform.prepare({"a": (4, 8, 6)})
    weights = torch.tensor([16.0, 1.0, 4.0, 1.0])[:, None, None]
    transform.initialise([FeatureBatch({"a": v}, lambda others: ((others["a"] - v).square() * weights).sum())])
    sent, back = through(transform, v)
    gains = (sent / v).mean(dim=(0, 2, 3))
    assert torch.allclose(gains / gains[1], torch.tensor([4.0, 1.0, 2.0, 1.0]), rtol=0.2)  # roots of the weights
    assert gains.log().sum().abs() < 1e-4
    assert torch.allclose(back, v, atol=1e-5)


def test_gains_are_equal_where_nothing_moves_the_heads() -> None:
    v = features([1, 2])
    assert torch.equal(through(initialised(ChannelGain(1), v), v)[0], v)


@pytest.mark.parametrize("kernel", [1, 3])
def test_a_bottleneck_begins_as_the_first_principal_components(kernel: int) -> None:
    v = features([4, 3, 0.02, 0.01])
    sent, back = through(initialised(Bottleneck(2, kernel, sensitivity=0), v), v)
    (klt,) = (initialised(KLT(0), v),)
    assert torch.allclose(sent, klt.reduce({"a": v})["a"][:, :2], atol=1e-5)
    assert (back - v).abs().max() < 0.03


def test_a_bottleneck_of_all_channels_begins_as_no_change() -> None:
    v = features([1, 2, 3])
    assert torch.allclose(through(initialised(Bottleneck(3), v), v)[1], v, atol=1e-5)


@pytest.mark.parametrize(("size", "sent"), [((8, 6), (4, 3)), ((13, 7), (7, 4))])
def test_a_stride_sends_fewer_positions_and_gives_all_back(size: tuple[int, int], sent: tuple[int, int]) -> None:
    v = features([1, 2, 3], size=size)
    transform = initialised(Bottleneck(2, 3, stride=2), v)
    reduced, back = through(transform, v)
    assert reduced.shape == (4, 2, *sent)
    assert back.shape == v.shape
    twice = torch.cat([torch.cat([v, v], dim=2)] * 2, dim=3)
    if size == (8, 6):
        assert through(transform, twice)[1].shape == twice.shape  # another input size


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: ChannelTruncation(0), "keep must be above 0 and at most 1, not 0"),
        (lambda: ChannelTruncation(1.5), "keep must be above 0 and at most 1, not 1.5"),
        (lambda: ChannelSelection(0), "keep must be above 0 and at most 1, not 0"),
        (lambda: ChannelGain(-1), "sensitivity must be from 0 to 1, not -1"),
        (lambda: Bottleneck(0), "channels must be at least 1, not 0"),
        (lambda: Bottleneck(2, kernel=2), "kernel must be 1 or 3, not 2"),
        (lambda: Bottleneck(2, stride=0), "stride must be at least 1, not 0"),
        (lambda: Bottleneck(2, sensitivity=2), "sensitivity must be from 0 to 1, not 2"),
        (lambda: Bottleneck(9).prepare({"a": (8, 4, 4)}), "would send more channels than the 8 of a: give fewer"),
    ],
)
def test_a_wrong_option_gets_one_sentence(make: Callable[[], object], sentence: str) -> None:
    with pytest.raises(OptionError, match=sentence):
        make()


def test_the_gradient_reaches_the_bottleneck_and_the_front() -> None:
    network = Network.from_cfg(SHAPES)
    channel = FeatureChannel("max_5", qps=["lossless"], transform=Bottleneck(8, 3), workers=1)
    system = Collaborative(network, channel)
    with channel.pool:
        features = system.features(torch.rand(1, 3, *network.size))
        decoded, _ = channel(features, ["lossless"])
        torch.autograd.backward(system.raws(decoded)[0].square().sum())
    learning = [*channel.transform.parameters(), next(network.parameters())]  # type: ignore[union-attr]
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in learning)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*does not have many workers")
@pytest.mark.parametrize(
    ("kind", "options", "name"),
    [
        ("ChannelTruncation", {"keep": 0.5}, "ChannelTruncation(0.5)"),
        ("ChannelSelection", {"keep": 0.5}, "ChannelSelection(0.5)"),
        ("ChannelGain", {"sensitivity": 1}, "ChannelGain(1)"),
        ("Bottleneck", {"channels": 8, "kernel": 3, "stride": 2}, "Bottleneck(8/3/2)"),
    ],
)
def test_a_fit_finds_it_and_evaluate_encode_and_decode_use_it(
    dfc: Dfc, tiny: tuple[str, ...], kind: str, options: dict[str, float], name: str
) -> None:
    path = f"lightning_app.transforms.{kind}"
    transform = ("--model.channel.transform", json.dumps({"class_path": path, "init_args": options}))
    assert dfc("fit", *tiny, *CHANNEL, *transform)[0] == 0
    state = torch.load(CHECKPOINT, weights_only=True)["state_dict"]
    assert bool(state["system.channel.transform.initialised"])
    assert dfc("evaluate", *tiny, *CHANNEL, *transform, "--model.weights", CHECKPOINT)[0] == 0
    assert {point.transform for point in read_points(Path("runs/evaluation/points.csv"))} == {name, ""}
    picture = next(Path("data/shapes/Shapes/JPEGImages").glob("*.jpg"))
    flags = [word for key, value in options.items() for word in (f"--channel.transform.{key}", value)]
    model = ("--network", SHAPES, "--weights", CHECKPOINT)
    sent = ("--channel.split", "max_5", "--qp", "37", "--channel.transform", path, *flags)
    assert dfc("encode", picture, "-o", "a.dfc", *model, *sent)[0] == 0
    given = ("--transform", path, *(str(word).replace("channel.", "") for word in flags))
    Path("five.names").write_text("a\nb\nc\nd\ne\n")
    assert dfc("decode", "a.dfc", *model, "--classes", "five.names", *given)[0] == 0


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*does not have many workers")
def test_without_a_fit_the_values_are_found_on_the_training_pictures_before_anything_is_measured(
    dfc: Dfc, tiny: tuple[str, ...], one_epoch: str, caplog: pytest.LogCaptureFixture
) -> None:
    transform = ("--model.channel.transform", "lightning_app.transforms.KLT")
    untrained = ("--model.learning_rate", "0", "--model.frozen_statistics", "true", "--trainer.max_steps", "1")
    shutil.copy(one_epoch, "whole.ckpt")
    shutil.rmtree("checkpoints")
    given = (*tiny, *CHANNEL, *transform, "--model.weights", "whole.ckpt")
    with caplog.at_level("INFO"):
        assert dfc("evaluate", *given)[0] == 0
    assert "KLT(0.5): the values were found on training pictures, 128 at most." in caplog.text
    found = [(point.kbpi, point.map) for point in read_points(Path("runs/evaluation/points.csv"))]
    assert dfc("fit", *given, *untrained)[0] == 0
    again = ("--model.weights", CHECKPOINT, "--output", "again")
    assert dfc("evaluate", *tiny, *CHANNEL, *transform, *again)[0] == 0
    kept = [(point.kbpi, point.map) for point in read_points(Path("again/points.csv"))]
    for one, other in zip(found, kept, strict=True):
        assert one == pytest.approx(other, rel=0.02)
    for name, weights in (("a", "--model.weights"), ("b", "--ckpt_path")):
        saved = ("--trainer.logger.name", name)
        assert dfc("test", *tiny, *CHANNEL, *transform, weights, "whole.ckpt", *saved)[0] == 0
    measured = [read_points(path) for path in sorted(Path("runs/demo").glob("[ab]/version_0/points.csv"))]
    assert [(p.kbpi, p.map) for p in measured[0]] == [(p.kbpi, p.map) for p in measured[1]]
    for one, point in zip([one for one in found if one[0] < 100], measured[0], strict=True):
        assert one == pytest.approx((point.kbpi, point.map), rel=0.02)


def test_nothing_is_sent_through_a_transform_that_has_not_found_its_values(dfc: Dfc, workplace: Path) -> None:
    weights = workplace / "initial.weights"
    save_weights(Network.from_cfg(SHAPES), weights)
    model = ("--network", SHAPES, "--weights", weights, "--channel.split", "max_5")
    transform = ("--channel.transform", "lightning_app.transforms.KLT")
    status, _, err = dfc("encode", "no.jpg", "-o", "a.dfc", *model, *transform)
    assert status == 2
    assert "holds no values of KLT(0.5): write a checkpoint that has them by `dfc fit`" in err
