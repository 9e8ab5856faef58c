"""KLT: channels become their principal components, found on training images before the first step."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from lightning_app.channel import FeatureChannel
from lightning_app.darknet import Network
from lightning_app.errors import OptionError
from lightning_app.records.points import read_points
from lightning_app.systems import Collaborative
from lightning_app.transforms import KLT, Chain, Correction
from lightning_app.transforms.examples import IMAGES, FeatureBatch, FeatureExamples

Dfc = Callable[..., tuple[int, str, str]]
SHAPES = Path(__file__).parents[2] / "configs/networks/shapes.cfg"
CHECKPOINT = "checkpoints/demo/plain/last.ckpt"
CHAIN = json.dumps(
    {
        "class_path": "Chain",
        "init_args": {"transforms": [{"class_path": "KLT"}, {"class_path": "Correction", "init_args": {"width": 4}}]},
    }
)
CHANNEL = ("--model.channel.split", "max_5", "--model.channel.qps", "[lossless,37]")
MIXTURE = "system.channel.transform.transforms.0.mixtures.0."


def mixed(channels: int = 5) -> Tensor:
    """Features of 4 images whose channels have much in common, and a mean."""
    generator = torch.Generator().manual_seed(0)
    sources = torch.randn(4, channels, 9, 7, generator=generator) * torch.tensor([4.0, 2, 1, 0.5, 0.2])[:, None, None]
    return torch.einsum("oc,bchw->bohw", torch.randn(channels, channels, generator=generator), sources) + 3


def unmoved(others: Mapping[str, Tensor]) -> Tensor:
    return torch.stack([v.sum() for v in others.values()]).sum() * 0


def initialised(sensitivity: float, batches: list[FeatureBatch]) -> KLT:
    transform = KLT(sensitivity)
    transform.prepare({name: (v.shape[1], v.shape[2], v.shape[3]) for name, v in batches[0].features.items()})
    transform.initialise(batches)
    return transform


def components(transform: KLT, v: Tensor) -> np.ndarray[Any, Any]:
    """(C, positions) in float64."""
    return transform.reduce({"a": v})["a"].transpose(0, 1).flatten(1).double().numpy()


def test_the_components_are_those_of_a_principal_component_analysis() -> None:
    v = mixed()
    transform = initialised(0, [FeatureBatch({"a": v[:1]}, unmoved), FeatureBatch({"a": v[1:]}, unmoved)])
    found = components(transform, v)
    samples = v.transpose(0, 1).flatten(1).double().numpy()
    _, lengths, _ = np.linalg.svd(samples - samples.mean(axis=1, keepdims=True), full_matrices=False)
    np.testing.assert_allclose(found @ found.T, np.diag(lengths**2), rtol=1e-4, atol=1e-4 * lengths[0] ** 2)
    np.testing.assert_allclose(found.mean(axis=1), 0, atol=1e-4)


@pytest.mark.parametrize("sensitivity", [0.0, 0.5, 1.0])
def test_the_cloud_gets_back_what_was_reduced(sensitivity: float) -> None:
    v = mixed()
    weights = torch.tensor([1.0, 2, 3, 4, 5])[:, None, None]

    def loss(others: Mapping[str, Tensor]) -> Tensor:
        return (weights * (others["a"] - v)).square().sum()

    transform = initialised(sensitivity, [FeatureBatch({"a": v}, loss)])
    restored = transform.restore(transform.reduce({"a": v}), torch.zeros(len(v)))["a"]
    torch.testing.assert_close(restored, v, rtol=1e-4, atol=1e-4)


def test_with_full_sensitivity_an_error_costs_the_same_in_every_component() -> None:
    # 40,000 positions: the curvature is estimated from noise.
    v = torch.randn(4, 3, 100, 100, generator=torch.Generator().manual_seed(1))
    costs = torch.tensor([1.0, 4.0, 16.0])

    def loss(others: Mapping[str, Tensor]) -> Tensor:
        return (costs[:, None, None] * (others["a"] - v).square()).sum()

    transform = initialised(1, [FeatureBatch({"a": v}, loss)])
    zeros = torch.zeros(3, 3, 1, 1)
    moved = transform.restore({"a": torch.eye(3)[:, :, None, None]}, torch.zeros(3))["a"]
    still = transform.restore({"a": zeros}, torch.zeros(3))["a"]
    errors = (costs[:, None, None] * (moved - still).square()).sum(dim=(1, 2, 3))
    torch.testing.assert_close(errors / errors.mean(), torch.ones(3), rtol=0.05, atol=0)
    # Its volume is that of the features: the quantiser's range grows no more than it must.
    weight = transform.get_buffer("mixtures.0.weight")
    assert abs(torch.linalg.det(weight).abs().item() - 1) < 1e-3


def test_half_the_sensitivity_is_half_way_on_a_logarithmic_scale() -> None:
    v = torch.randn(4, 2, 100, 100, generator=torch.Generator().manual_seed(1)) * torch.tensor([9.0, 1])[:, None, None]
    costs = torch.tensor([1.0, 16.0])

    def loss(others: Mapping[str, Tensor]) -> Tensor:
        return (costs[:, None, None] * (others["a"] - v).square()).sum()

    lengths = {}
    for sensitivity in (0.5, 1.0):
        weight = initialised(sensitivity, [FeatureBatch({"a": v}, loss)]).get_buffer("mixtures.0.weight")
        lengths[sensitivity] = weight.square().sum(dim=0).sqrt()  # of what each channel becomes
    torch.testing.assert_close(lengths[1.0], torch.tensor([0.5, 2.0]), rtol=0.05, atol=0)
    torch.testing.assert_close(lengths[0.5], lengths[1.0].sqrt(), rtol=0.05, atol=0)


def test_channels_that_are_all_alike_are_sent_once() -> None:
    one = torch.nn.functional.interpolate(torch.rand(4, 1, 8, 8), 32)
    v = {"a": one.expand(-1, 16, -1, -1).contiguous()}
    plain = FeatureChannel(qps=[32], workers=1)
    transformed = FeatureChannel(qps=[32], workers=1, transform=initialised(0, [FeatureBatch(v, unmoved)]))
    with plain.pool, transformed.pool:
        (before, bits), (after, fewer) = plain(v, [32] * 4), transformed(v, [32] * 4)
    assert fewer.sum() < bits.sum() / 4
    errors = [(other["a"] - v["a"]).square().mean() for other in (before, after)]
    assert errors[1] < 2 * errors[0]


def test_each_tensor_that_crosses_has_components_of_its_own() -> None:
    v, w = mixed(), mixed().flip(1) * 2
    transform = initialised(0, [FeatureBatch({"a": v, "b": w}, unmoved)])
    assert not torch.equal(transform.get_buffer("mixtures.0.weight"), transform.get_buffer("mixtures.1.weight"))


def test_before_a_training_it_changes_nothing() -> None:
    transform, v = KLT(), mixed()
    transform.prepare({"a": (5, 9, 7)})
    assert torch.equal(transform.reduce({"a": v})["a"], v)
    assert torch.equal(transform.restore({"a": v}, torch.ones(4))["a"], v)


def test_constant_features_have_components_too() -> None:
    v = torch.full((2, 3, 4, 4), 0.5)

    def loss(others: Mapping[str, Tensor]) -> Tensor:
        return (others["a"] - v).square().sum()

    transform = initialised(0.5, [FeatureBatch({"a": v}, loss)])
    restored = transform.restore(transform.reduce({"a": v}), torch.zeros(2))["a"]
    torch.testing.assert_close(restored, v)


def test_a_detector_that_does_not_say_how_heads_are_compared_is_told_what_to_set() -> None:
    def loss(others: Mapping[str, Tensor]) -> Tensor:
        raise OptionError("SmallDetector cannot learn from a teacher")

    batch = FeatureBatch({"a": mixed()}, loss)
    with pytest.raises(OptionError, match=r"SmallDetector cannot .*; to do without it set the transform's sens"):
        initialised(0.5, [batch])
    initialised(0, [batch])


def test_a_sensitivity_beyond_its_range_is_refused() -> None:
    with pytest.raises(OptionError, match="sensitivity must be from 0 to 1, not 2"):
        KLT(sensitivity=2)


def test_a_chain_of_nothing_is_refused() -> None:
    with pytest.raises(OptionError, match="Chain needs at least one transform"):
        Chain([])


def test_a_chain_reduces_in_order_and_restores_in_the_opposite_one() -> None:
    v = mixed()
    first, second = initialised(0, [FeatureBatch({"a": v}, unmoved)]), KLT(0)
    chain = Chain([first, second])
    chain.prepare({"a": (5, 9, 7)})

    def loss(others: Mapping[str, Tensor]) -> Tensor:
        return (others["a"] - v).square().sum()

    chain.initialise([FeatureBatch({"a": v}, loss)])
    # What the first one gives is uncorrelated: the second has only signs to change.
    weight = second.get_buffer("mixtures.0.weight")
    torch.testing.assert_close(weight.abs(), torch.eye(5), rtol=0, atol=1e-3)
    reduced = chain.reduce({"a": v})
    assert torch.equal(reduced["a"], second.reduce(first.reduce({"a": v}))["a"])
    torch.testing.assert_close(chain.restore(reduced, torch.zeros(4))["a"], v, rtol=1e-4, atol=1e-4)


def test_a_chain_gives_the_second_transform_a_loss_of_what_the_first_one_reduces() -> None:
    v = mixed()
    double, seen = Chain([KLT(0), _Looking()]), []

    def loss(others: Mapping[str, Tensor]) -> Tensor:
        seen.append(others["a"])
        return (others["a"] - v).square().sum()

    double.prepare({"a": (5, 9, 7)})
    double.initialise([FeatureBatch({"a": v}, loss)])
    torch.testing.assert_close(seen[0], v, rtol=1e-4, atol=1e-4)


class _Looking(Correction):
    """Asks for the loss of the features as they are."""

    def initialise(self, examples: Any) -> None:
        """Ask."""
        for batch in examples:
            assert abs(batch.loss(batch.features).item()) < 1e-4


def batches(count: int, size: int = 8) -> Iterator[dict[str, Tensor]]:
    for seed in range(count):
        yield {"images": torch.rand(size, 3, 64, 64, generator=torch.Generator().manual_seed(seed))}


def test_examples_are_the_first_images_the_same_each_time_and_leave_the_network_as_it_was() -> None:
    network = Network.from_cfg(SHAPES).train()
    examples = FeatureExamples(network, "max_5", "reduced", lambda: batches(99), torch.device("cpu"))
    first, again = ([batch.features["max_5"] for batch in examples] for _ in range(2))
    assert sum(map(len, first)) == IMAGES
    assert all(torch.equal(one, other) for one, other in zip(first, again, strict=True))
    assert network.training
    fresh = Network.from_cfg(SHAPES)
    assert all(torch.equal(v, fresh.state_dict()[name]) for name, v in network.state_dict().items())
    few = FeatureExamples(network, "max_5", "reduced", lambda: batches(2), torch.device("cpu"))
    (batch, _) = few
    assert batch.loss(batch.features).item() == 0
    assert batch.loss({"max_5": batch.features["max_5"] + 1}).item() > 0


def state() -> dict[str, Tensor]:
    found: dict[str, Tensor] = torch.load(CHECKPOINT, weights_only=True)["state_dict"]
    return found


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*does not have many workers")
def test_a_fit_finds_the_components_and_what_begins_with_them_keeps_them(dfc: Dfc, tiny: tuple[str, ...]) -> None:
    run = (*tiny, *CHANNEL, "--model.channel.transform", CHAIN)
    status, _, err = dfc("fit", *run, "-c", "configs/ema.yaml", "--trainer.max_epochs", "1")
    assert status == 0, err
    found = {name: v for name, v in state().items() if name.startswith(MIXTURE)}
    weight, inverse = found[f"{MIXTURE}weight"], found[f"{MIXTURE}inverse"]
    assert not torch.equal(weight, torch.eye(len(weight)))
    torch.testing.assert_close(weight @ inverse, torch.eye(len(weight)), rtol=0, atol=1e-3)
    Path(CHECKPOINT).rename("first.ckpt")
    assert dfc("fit", *run, "--model.weights", "first.ckpt", "--data.seed", "5", "--trainer.max_epochs", "1")[0] == 0
    assert all(torch.equal(v, state()[name]) for name, v in found.items())


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*does not have many workers")
def test_a_resumed_fit_ends_at_the_weights_of_one_that_was_not_interrupted_and_is_evaluated_and_sent(
    dfc: Dfc, tiny: tuple[str, ...]
) -> None:
    run = (*tiny, *CHANNEL, "--model.channel.transform", CHAIN)
    status, _, err = dfc("fit", *run)
    assert status == 0, err
    whole = state()
    Path("checkpoints").rename("whole")
    assert dfc("fit", *run, "--trainer.max_epochs", "1")[0] == 0
    assert dfc("fit", *run, "--ckpt_path", "last")[0] == 0
    assert all(torch.equal(v, state()[name]) for name, v in whole.items())
    status, out, err = dfc("evaluate", *run, "--model.weights", CHECKPOINT)
    assert status == 0, err
    assert "Split at max_5, KLT(0.5) Correction(4), 8 bits tiled, HEVC" in out
    points = read_points(Path("runs/evaluation/points.csv"))
    assert {point.transform for point in points if point.system == "feature"} == {"KLT(0.5) Correction(4)"}
    for split in ("max_1", "max_3"):  # max_3 has as many channels
        for weights in ("--model.weights", "--ckpt_path"):
            status, _, err = dfc("test", *run, weights, CHECKPOINT, "--model.channel.split", split)
            assert status == 2
            assert "last.ckpt has a transform that was trained for the features of max_5, and the split sends" in err
    given = ("--network", "configs/networks/shapes.cfg", "--weights", CHECKPOINT)
    picture = "data/shapes/Shapes/JPEGImages/000024.jpg"
    sent = ("--channel.split", "max_5", "--qp", "37", "--channel.transform", CHAIN)
    status, _, err = dfc("encode", picture, "-o", "x.dfc", *given, *sent)
    assert status == 0, err
    Path("classes.txt").write_text("a\nb\nc\nd\ne\n")
    status, _, err = dfc("decode", "x.dfc", *given, "--classes", "classes.txt", "--transform", CHAIN)
    assert status == 0, err
    onnx = ("--split", "max_5", "--transform", CHAIN, "--output", "onnx")
    status, _, err = dfc("weights", "onnx", CHECKPOINT, *given[:2], *onnx)
    assert status == 0, err


def test_the_gradient_reaches_the_front_through_the_components() -> None:
    network, transform = Network.from_cfg(SHAPES), KLT()
    system = Collaborative(network, FeatureChannel("max_5", qps=[32], workers=1, transform=transform))
    transform.initialise(FeatureExamples(network, "max_5", "reduced", lambda: batches(1), torch.device("cpu")))
    batch: Any = {"images": torch.rand(2, 3, 64, 64), "targets": [{"index": 0}, {"index": 1}]}
    with system.pool:
        record = system.submit(batch, seed=0, epoch=0).result()
    record.raws[0].square().sum().backward()  # type: ignore[no-untyped-call]
    gradients = [parameter.grad for parameter in network.layers["conv_0"].parameters()]
    assert all(gradient is not None and gradient.abs().sum() > 0 for gradient in gradients)
