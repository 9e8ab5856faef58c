"""A learned transform: a fit trains it, and what comes after uses it, or says that it must be given."""

import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image

from lightning_app.channel import FeatureChannel
from lightning_app.checkpoint import load_model, save_checkpoint
from lightning_app.darknet import Network
from lightning_app.errors import CodecError, OptionError, WeightsError
from lightning_app.identity import model_id
from lightning_app.records.points import Point, read_points
from lightning_app.systems import Collaborative
from lightning_app.transmit import detect_from, encode_picture

sys.path.insert(0, str(Path(__file__).parent))
one_by_one = importlib.import_module("one_by_one")

Dfc = Callable[..., tuple[int, str, str]]
SHAPES = Path(__file__).parents[2] / "configs/networks/shapes.cfg"
CHECKPOINT = "checkpoints/demo/plain/last.ckpt"
CHANNEL = ("--model.channel.split", "max_5", "--model.channel.qps", "[lossless,37]")
TRANSFORM = ("--model.channel.transform", "one_by_one.Bottleneck", "--model.channel.transform.channels", "8")
WEIGHT = "system.channel.transform.down.0.weight"

quiet = pytest.mark.filterwarnings("ignore:.*does not have many workers")


def state(path: str = CHECKPOINT) -> dict[str, Any]:
    found: dict[str, Any] = torch.load(path, weights_only=True)["state_dict"]
    return found


def points(path: str) -> dict[str, Point]:
    return {point.name: point for point in read_points(Path(path))}


@pytest.fixture
def run(tiny: tuple[str, ...]) -> tuple[str, ...]:
    return (*tiny, *CHANNEL, *TRANSFORM)


@pytest.mark.slow
@quiet
@pytest.mark.parametrize("kind", ["Bottleneck", "Dropping"])
def test_a_fit_trains_the_transform_and_a_resumed_one_ends_at_the_same_weights(
    dfc: Dfc, run: tuple[str, ...], kind: str
) -> None:
    run = tuple(word.replace("Bottleneck", kind) for word in run)
    assert dfc("fit", *run)[0] == 0
    whole = state()
    first, _ = _initial(8)
    assert whole[WEIGHT].shape == (8, 32, 1, 1)
    assert not torch.equal(whole[WEIGHT], first)
    of_network = {f"network.{name}" for name in Network.from_cfg(SHAPES).state_dict()}
    assert {name for name in whole if not name.startswith("system.channel.transform.")} == of_network
    Path("checkpoints").rename("whole")
    assert dfc("fit", *run, "--trainer.max_epochs", "1")[0] == 0
    assert dfc("fit", *run, "--ckpt_path", "last")[0] == 0
    assert all(torch.equal(tensor, whole[name]) for name, tensor in state().items())


def _initial(channels: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Weights before training, drawn from the seed of the run as the program draws them."""
    torch.manual_seed(0)
    transform = one_by_one.Bottleneck(channels)
    Collaborative(Network.from_cfg(SHAPES), FeatureChannel("max_5", transform=transform))
    return transform.down["0"].weight.detach().clone(), transform.up["0"].weight.detach().clone()


@pytest.mark.slow
@quiet
def test_what_a_fit_has_trained_is_evaluated_encoded_and_decoded(
    dfc: Dfc, run: tuple[str, ...], tiny: tuple[str, ...]
) -> None:
    assert dfc("fit", *run)[0] == 0
    status, _, err = dfc("test", *run, "--ckpt_path", CHECKPOINT, "--data.eval_batch_size", "1")
    assert status == 0, err
    tested = points("runs/demo/plain/version_1/points.csv")
    name = "max_5 Bottleneck tiled 8-bit HEVC lossless"
    assert tested[name].transform == "Bottleneck"
    status, _, err = dfc("evaluate", *run, "--model.weights", CHECKPOINT)
    assert status == 0, err
    evaluated = points("runs/evaluation/points.csv")
    for label in ("lossless", "qp37"):
        name = f"max_5 Bottleneck tiled 8-bit HEVC {label}"
        assert (evaluated[name].kbpi, evaluated[name].map) == (tested[name].kbpi, tested[name].map)
    # A quarter of the channels is sent.
    whole = ("--trainer.logger.name", "whole")
    assert dfc("test", *tiny, *CHANNEL, *whole, "--model.weights", CHECKPOINT)[0] == 0
    plain = points("runs/demo/whole/version_0/points.csv")["max_5 tiled 8-bit HEVC lossless"]
    assert evaluated["max_5 Bottleneck tiled 8-bit HEVC lossless"].kbpi < 0.5 * plain.kbpi

    weights = ("--network", "configs/networks/shapes.cfg", "--weights", CHECKPOINT)
    sent = ("--channel.split", "max_5", "--qp", "37", "--channel.transform", "one_by_one.Bottleneck")
    picture = "data/shapes/Shapes/JPEGImages/000024.jpg"
    status, _, err = dfc("encode", picture, "-o", "x.dfc", *weights, *sent, "--channel.transform.channels", "8")
    assert status == 0, err
    Path("classes.txt").write_text("a\nb\nc\nd\ne\n")
    decode = ("decode", "x.dfc", "-o", "x.json", *weights, "--classes", "classes.txt", "--score_threshold", "0")
    given = ("--transform", "one_by_one.Bottleneck", "--transform.channels", "8")
    status, _, err = dfc(*decode, *given)
    assert status == 0, err
    found = json.loads(Path("x.json").read_text())
    Path("predict.yaml").write_text("trainer: {callbacks: [{class_path: lightning_app.callbacks.DetectionsWriter}]}")
    one = ("--data.eval_batch_size", "1", "--trainer.limit_predict_batches", "1")
    qp = ("--model.channel.qps", "[37]", "-c", "predict.yaml", "--model.score_threshold", "0")
    assert dfc("predict", *run, *one, *qp, "--model.weights", CHECKPOINT)[0] == 0
    (predicted,) = json.loads(next(Path("runs").rglob("detections.json")).read_text())
    strip = [{"score": one["score"], "box": one["box"]} for one in predicted["detections"]]
    assert [{"score": one["score"], "box": one["box"]} for one in found] == strip
    assert found

    status, _, err = dfc(*decode)
    assert (status, err.splitlines()[-1]) == (
        2, "dfc: x.dfc: the .dfc file was made with a transform: give the mobile side's --transform"
    )  # fmt: skip
    status, _, err = dfc(*decode, "--transform", "one_by_one.Bottleneck", "--transform.channels", "6")
    assert status == 2
    assert "holds another transform: give the one that it was trained with" in err


@pytest.mark.slow
@quiet
def test_the_exported_front_and_back_hold_the_transform(dfc: Dfc, run: tuple[str, ...]) -> None:
    assert dfc("fit", *run, "--trainer.max_epochs", "1")[0] == 0
    shapes = ("--network", "configs/networks/shapes.cfg", "--split", "max_5", "--output", "onnx")
    given = ("--transform", "one_by_one.Bottleneck", "--transform.channels", "8")
    status, out, err = dfc("weights", "onnx", CHECKPOINT, *shapes, *given)
    assert (status, out) == (0, "Written to onnx/front.onnx\nWritten to onnx/back.onnx\n"), err
    front, back = (onnxruntime.InferenceSession(f"onnx/{name}.onnx") for name in ("front", "back"))
    network, transform = Network.from_cfg(SHAPES), one_by_one.Bottleneck(8)
    system = Collaborative(network, FeatureChannel("max_5", transform=transform)).eval()
    load_model(network, Path(CHECKPOINT), transform)
    images = torch.rand(2, 3, 96, 64)
    (sent,) = front.run(None, {"images": images.numpy()})
    assert sent.shape == (2, 8, 12, 8)
    (raws,) = back.run(None, {"max_5": sent, "steps": np.zeros(2, np.float32)})
    with torch.no_grad():
        wire = system.channel.wire
        network.eval()
        (expected,) = system.raws(wire.restore(wire.reduce(system.features(images)), [None] * 2))
    assert np.abs(raws - expected.numpy()).max() < 1e-5 * expected.abs().max().item()
    status, out, err = dfc("weights", "onnx", CHECKPOINT, *shapes[:4], "--output", "plain")
    assert status == 0
    assert f"{CHECKPOINT} was trained with a transform, which is left out here." in err
    assert "give the config of its training too, such as `-c distil`, or the same --model.channel.transform" in err


@pytest.mark.slow
@quiet
def test_a_transform_that_is_missing_or_left_over_is_said_and_a_run_that_resumes_needs_its_own(
    dfc: Dfc, run: tuple[str, ...], tiny: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    assert dfc("fit", *run, "--trainer.max_epochs", "1")[0] == 0
    assert dfc("test", *tiny, *CHANNEL, "--ckpt_path", CHECKPOINT)[0] == 0
    assert f"{CHECKPOINT} was trained with a transform, which is left out here." in caplog.text
    status, _, err = dfc("fit", *tiny, *CHANNEL, "--ckpt_path", CHECKPOINT)
    assert status == 2
    assert "A run resumes with what it began with: set it so, or use --model.weights" in err
    Path("checkpoints").rename("first")
    assert dfc("fit", *tiny, *CHANNEL, "--trainer.max_epochs", "1")[0] == 0
    assert dfc("test", *run, "--ckpt_path", CHECKPOINT)[0] == 0
    assert f"{CHECKPOINT} holds no transform: it keeps its initial values." in caplog.text


@pytest.mark.slow
@quiet
def test_the_moving_average_takes_the_transform_in(dfc: Dfc, run: tuple[str, ...]) -> None:
    assert dfc("fit", *run, "-c", "configs/ema.yaml", "--trainer.max_epochs", "1")[0] == 0
    checkpoint = torch.load(CHECKPOINT, weights_only=True)
    averaged, current = checkpoint["state_dict"][WEIGHT], checkpoint["current_model_state"][WEIGHT]
    assert not torch.equal(averaged, current)


def test_the_gradient_reaches_both_sides_of_the_transform_and_the_front() -> None:
    network, transform = Network.from_cfg(SHAPES), one_by_one.Bottleneck(8)
    system = Collaborative(network, FeatureChannel("max_5", qps=[32], workers=1, transform=transform))
    batch: Any = {"images": torch.rand(2, 3, 64, 64), "targets": [{"index": 0}, {"index": 1}]}
    with system.pool:
        record = system.submit(batch, seed=0, epoch=0).result()
    assert record.decoded["max_5"].shape == record.features["max_5"].shape
    record.raws[0].square().sum().backward()  # type: ignore[no-untyped-call]
    for weight in (transform.down["0"].weight, transform.up["0"].weight, *network.layers["conv_0"].parameters()):
        assert weight.grad is not None
        assert weight.grad.abs().sum() > 0


def test_a_transform_that_does_not_restore_is_refused_at_once() -> None:
    with pytest.raises(OptionError, match="Forgetful restores max_5 of 4×20×20 where the back takes max_5 of 32×20×20"):
        Collaborative(Network.from_cfg(SHAPES), FeatureChannel("max_5", transform=one_by_one.Forgetful()))


def test_one_transform_serves_one_cut() -> None:
    transform, network = one_by_one.Bottleneck(), Network.from_cfg(SHAPES)
    Collaborative(network, FeatureChannel("max_5", transform=transform))
    Collaborative(network, FeatureChannel("max_5", depth=10, transform=transform))
    with pytest.raises(OptionError, match="Bottleneck was made for the features of max_5, not max_3"):
        Collaborative(network, FeatureChannel("max_3", transform=transform))


def test_weights_of_a_transform_that_are_not_finite_are_refused_by_their_names(tmp_path: Path) -> None:
    network, transform = Network.from_cfg(SHAPES), one_by_one.Bottleneck()
    Collaborative(network, FeatureChannel("max_5", transform=transform))
    save_checkpoint(network, tmp_path / "a.ckpt", SHAPES)
    checkpoint = torch.load(tmp_path / "a.ckpt", weights_only=True)
    own = {f"system.channel.transform.{name}": tensor for name, tensor in transform.state_dict().items()}
    own[WEIGHT] = torch.full_like(own[WEIGHT], float("nan"))
    torch.save({**checkpoint, "state_dict": {**checkpoint["state_dict"], **own}}, tmp_path / "a.ckpt")
    with pytest.raises(WeightsError, match=r"a\.ckpt has values in down\.0\.weight of the transform that are NaN"):
        load_model(network, tmp_path / "a.ckpt", transform)


def test_a_container_of_other_weights_of_the_transform_is_refused(tmp_path: Path) -> None:
    network, transform = Network.from_cfg(SHAPES).eval(), one_by_one.Bottleneck()
    system = Collaborative(network, FeatureChannel("max_5", workers=1, transform=transform)).eval()
    Image.linear_gradient("L").convert("RGB").save(tmp_path / "a.png")
    with system.pool:
        data = encode_picture(tmp_path / "a.png", system, 32)
    assert set(detect_from(data, network, transform=transform)) == {"boxes", "scores", "labels"}
    with torch.no_grad():
        transform.up["0"].bias.add_(1)
    with pytest.raises(CodecError, match="was made with another network, transform or weights"):
        detect_from(data, network, transform=transform)


def test_a_transform_with_dropout_is_the_same_model_before_and_after_a_step_of_training() -> None:
    network, transform = Network.from_cfg(SHAPES), one_by_one.Dropping()
    Collaborative(network, FeatureChannel("max_5", transform=transform))
    before = model_id(network, transform)
    transform.train().reduce({"max_5": torch.rand(1, 32, 20, 20)})
    assert model_id(network, transform) == before
