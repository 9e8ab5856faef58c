"""Correction: decoded features are corrected in the cloud by what was learned for the codec's step."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch

from lightning_app.channel import FeatureChannel
from lightning_app.checkpoint import load_model
from lightning_app.codecs import AVC, HEVC, JPEG, PNG
from lightning_app.darknet import Network
from lightning_app.errors import OptionError
from lightning_app.systems import Collaborative
from lightning_app.transforms import Correction

Dfc = Callable[..., tuple[int, str, str]]
SHAPES = Path(__file__).parents[2] / "configs/networks/shapes.cfg"
CHECKPOINT = "checkpoints/demo/plain/last.ckpt"
CHANNEL = (
    "--model.channel.split", "max_5", "--model.channel.qps", "[lossless,42]",
    "--model.channel.transform", "Correction",
)  # fmt: skip


def learned(shape: tuple[int, int, int] = (4, 6, 6)) -> Correction:
    transform = Correction(width=3)
    transform.prepare({"max_5": shape, "conv_7": shape})
    with torch.no_grad():
        for seed, parameter in enumerate(transform.parameters()):
            parameter.copy_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(seed)) / 50)
    return transform


def features() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {name: torch.rand(2, 4, 6, 6, generator=generator) for name in ("max_5", "conv_7")}


def test_before_it_has_learned_and_after_lossless_coding_it_changes_nothing() -> None:
    v, fresh = features(), Correction()
    fresh.prepare(dict.fromkeys(v, (4, 6, 6)))
    for transform, steps in ((fresh, torch.tensor([0.1, 0.5])), (learned(), torch.zeros(2))):
        assert all(torch.equal(transform.restore(v, steps)[name], v[name]) for name in v)


def test_it_is_the_formula_for_each_image_by_its_own_step() -> None:
    transform, v = learned(), features()
    found = transform.restore(v, torch.tensor([0.0, HEVC().step(47)]))["conv_7"]
    assert torch.equal(found[0], v["conv_7"][0])
    own = dict(transform.corrections[1].named_parameters())
    factor, offset = (10 * own[name].sum(dim=0)[:, None, None] for name in ("factors", "offsets"))  # √s = s = 1
    scaled = v["conv_7"][1:] * (1 + factor) + offset
    hidden = torch.conv2d(scaled, 5 * own["enter.weight"], 5 * own["enter.bias"], padding=1)
    hidden = torch.nn.functional.leaky_relu(hidden, 0.1)
    residual = torch.conv2d(hidden, 5 * own["leave.weight"], 5 * own["leave.bias"], padding=1)
    torch.testing.assert_close(found[1:], scaled + residual)


def test_a_correction_of_no_channels_is_refused() -> None:
    with pytest.raises(OptionError, match="width must be at least 1, not 0"):
        Correction(width=0)


def test_a_codec_says_its_step_as_a_share_of_the_range() -> None:
    assert HEVC(depth=10).step(22) == HEVC(depth=8).step(22) == AVC().step(22) == 8 / 256
    assert HEVC().step(None) == PNG().step(None) == 0
    assert JPEG().step(90) == max(1, 16 * 0.2) / 256


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*does not have many workers")
def test_a_fit_trains_it_and_test_evaluate_encode_and_onnx_use_it(dfc: Dfc, tiny: tuple[str, ...]) -> None:
    status, _, err = dfc("fit", *tiny, *CHANNEL)
    assert status == 0, err
    state: dict[str, Any] = torch.load(CHECKPOINT, weights_only=True)["state_dict"]
    assert state["system.channel.transform.corrections.0.factors"].abs().max().item() > 0
    status, out, err = dfc("test", *tiny, *CHANNEL, "--ckpt_path", CHECKPOINT)
    assert status == 0, err
    assert "Split at max_5, Correction(16), 8 bits tiled, HEVC" in out
    shapes = ("--network", str(SHAPES), "--split", "max_5", "--transform", "Correction")
    status, _, err = dfc("weights", "onnx", CHECKPOINT, *shapes, "--output", "onnx")
    assert status == 0, err
    check_onnx()


def check_onnx() -> None:
    """The exported halves give what ours give, at a step of their input."""
    front, back = (onnxruntime.InferenceSession(f"onnx/{name}.onnx") for name in ("front", "back"))
    network, transform = Network.from_cfg(SHAPES), Correction()
    system = Collaborative(network, FeatureChannel("max_5", transform=transform)).eval()
    load_model(network, Path(CHECKPOINT), transform)
    network.eval()
    images = torch.rand(2, 3, 96, 64)
    (sent,) = front.run(None, {"images": images.numpy()})
    steps = np.array([0, HEVC().step(42)], np.float32)
    (raws,) = back.run(None, {"max_5": sent, "steps": steps})
    with torch.no_grad():
        (expected,) = system.raws(system.channel.wire.restore({"max_5": torch.from_numpy(sent)}, [None, 42]))
        (other,) = system.raws(system.channel.wire.restore({"max_5": torch.from_numpy(sent)}, [None, None]))
    assert np.abs(raws - expected.numpy()).max() < 1e-5 * expected.abs().max().item()
    assert not torch.equal(expected[1], other[1])
