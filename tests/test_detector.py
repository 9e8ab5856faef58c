"""The Lightning module's own parts: what is decayed, how often the front runs, what each rank draws."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from lightning_app.channel import FeatureChannel
from lightning_app.data import Target
from lightning_app.detector import Detector
from lightning_app.schedule import rate_factor

SHAPES = str(Path(__file__).parents[1] / "configs/networks/shapes.cfg")


def test_decay_is_on_the_weights_of_convolutions_alone() -> None:
    detector = Detector(SHAPES, learning_rate=0.5, momentum=0.8, weight_decay=0.25, burn_in=0)
    optimizer = detector.configure_optimizers()["optimizer"]
    decayed, others = optimizer.param_groups
    assert (decayed["weight_decay"], others["weight_decay"]) == (0.25, 0)
    assert {id(p) for p in decayed["params"]} == {id(m.weight) for m in detector.modules() if isinstance(m, nn.Conv2d)}
    assert len(decayed["params"]) + len(others["params"]) == len(list(detector.parameters()))
    assert [group["lr"] for group in optimizer.param_groups] == [0.5, 0.5]
    assert [group["momentum"] for group in optimizer.param_groups] == [0.8, 0.8]


def test_the_rate_burns_in_and_falls_at_darknets_iterations() -> None:
    detector = Detector(SHAPES)
    configured = detector.configure_optimizers()
    optimizer, schedule = configured["optimizer"], configured["lr_scheduler"]["scheduler"]
    assert configured["lr_scheduler"]["interval"] == "step"
    assert optimizer.param_groups[0]["lr"] == pytest.approx(1e-3 * 1e-12)  # the first update: (1 / 1000)⁴
    for _ in range(499):
        optimizer.step()
        schedule.step()
    assert optimizer.param_groups[0]["lr"] == pytest.approx(1e-3 / 16)
    factors = [rate_factor(i, 1000, (40_000, 60_000), 0.1) for i in (1000, 39_999, 40_000, 59_999, 60_000, 80_200)]
    assert factors == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])


def target(index: int) -> Target:
    empty = torch.zeros(0, 4)
    none = torch.zeros(0, dtype=torch.long)
    return {
        "boxes": empty, "labels": none, "difficult": none.bool(), "voc_boxes": empty,
        "index": index, "id": str(index), "size": (64, 64),
    }  # fmt: skip


def test_a_validation_step_runs_the_front_once_and_the_back_once_a_qp(monkeypatch: pytest.MonkeyPatch) -> None:
    channel = FeatureChannel(split="max_5", eval_qps=["lossless", 22, 32, 42], workers=1)
    detector = Detector(SHAPES, channel=channel).eval()
    measured: list[str] = []
    runs = {"conv_0": 0, "conv_6": 0}

    def count(name: str) -> Callable[..., None]:
        def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            runs[name] += 1

        return hook

    for name in runs:
        detector.network.layers[name].register_forward_hook(count(name))
    with torch.no_grad():
        for label, found, bits in detector._operating_points(torch.rand(2, 3, 64, 64)):
            measured.append(label)
            assert len(found) == 2
            assert bits is not None
            assert (bits > 0).all()
    channel.close()
    assert measured == ["lossless", "qp22", "qp32", "qp42"]
    assert runs == {"conv_0": 1, "conv_6": 4}


def test_the_whole_network_is_one_operating_point_without_bits() -> None:
    detector = Detector(SHAPES).eval()
    with torch.no_grad():
        ((label, found, bits),) = detector._operating_points(torch.rand(1, 3, 64, 64))
    assert (label, len(found), bits) == ("plain", 1, None)


def test_training_sends_gradients_through_the_codec_to_the_first_layer() -> None:
    channel = FeatureChannel(split="max_5", qps=[37], workers=1)
    detector = Detector(SHAPES, channel=channel)
    features = detector._features(torch.rand(1, 3, 64, 64))
    (raw,), _ = detector._through_channel(features, [37])
    raw.square().sum().backward()  # type: ignore[no-untyped-call]
    channel.close()
    first = detector.network.layers["conv_0"].conv
    assert isinstance(first, nn.Conv2d)
    assert first.weight.grad is not None
    assert first.weight.grad.abs().sum() > 0


def test_a_checkpoint_carries_plain_values_alone(tmp_path: Path) -> None:
    detector = Detector(SHAPES, channel=FeatureChannel(split="max_5"))
    assert "channel" not in detector.hparams
    torch.save({"hyper_parameters": dict(detector.hparams)}, tmp_path / "a.ckpt")
    assert torch.load(tmp_path / "a.ckpt", weights_only=True)["hyper_parameters"]["network"] == SHAPES
