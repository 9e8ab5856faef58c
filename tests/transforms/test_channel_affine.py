"""ChannelAffine: in the cloud each channel is corrected by what was learned for the codec's step."""

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
from lightning_app.systems import Collaborative
from lightning_app.transforms import ChannelAffine

Dfc = Callable[..., tuple[int, str, str]]
SHAPES = Path(__file__).parents[2] / "configs/networks/shapes.cfg"
CHECKPOINT = "checkpoints/demo/plain/last.ckpt"
CHANNEL = (
    "--model.channel.split", "max_5", "--model.channel.qps", "[lossless,42]",
    "--model.channel.transform", "ChannelAffine",
)  # fmt: skip


def learned(shape: tuple[int, int, int] = (4, 6, 6)) -> ChannelAffine:
    transform = ChannelAffine()
    transform.prepare({"max_5": shape, "conv_7": shape})
    with torch.no_grad():
        for seed, numbers in enumerate((*transform.factors, *transform.offsets)):
            numbers.copy_(torch.randn(numbers.shape, generator=torch.Generator().manual_seed(seed)) / 50)
    return transform


def test_before_it_has_learned_and_at_lossless_coding_it_changes_nothing() -> None:
    v = {name: torch.rand(2, 4, 6, 6) for name in ("max_5", "conv_7")}
    fresh = ChannelAffine()
    fresh.prepare(dict.fromkeys(v, (4, 6, 6)))
    for transform, steps in ((fresh, torch.tensor([0.1, 0.5])), (learned(), torch.zeros(2))):
        assert all(torch.equal(transform.restore(v, steps)[name], v[name]) for name in v)


def test_factors_and_offsets_are_those_of_the_formula_for_each_image_by_its_own_step() -> None:
    transform, v = learned(), {name: torch.rand(2, 4, 6, 6) for name in ("max_5", "conv_7")}
    found = transform.restore(v, torch.tensor([0.0, HEVC().step(47)]))["conv_7"]
    factor = 1 + 10 * transform.factors[1].sum(dim=0)  # √s = s = 1 at QP 47
    offset = 10 * transform.offsets[1].sum(dim=0)
    torch.testing.assert_close(found[0], v["conv_7"][0])
    torch.testing.assert_close(found[1], v["conv_7"][1] * factor[:, None, None] + offset[:, None, None])


def test_a_codec_says_its_step_as_a_share_of_the_range() -> None:
    assert HEVC(depth=10).step(22) == HEVC(depth=8).step(22) == AVC().step(22) == 8 / 256
    assert HEVC().step(None) == PNG().step(None) == 0
    assert JPEG().step(90) == max(1, 16 * 0.2) / 256


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*does not have many workers")
@pytest.mark.filterwarnings("ignore:Checkpoint directory .* exists and is not empty")
def test_a_fit_trains_it_and_test_evaluate_encode_and_onnx_use_it(dfc: Dfc, tiny: tuple[str, ...]) -> None:
    status, _, err = dfc("fit", *tiny, *CHANNEL)
    assert status == 0, err
    state: dict[str, Any] = torch.load(CHECKPOINT, weights_only=True)["state_dict"]
    assert state["system.channel.transform.factors.0"].abs().max().item() > 0
    status, out, err = dfc("test", *tiny, *CHANNEL, "--ckpt_path", CHECKPOINT)
    assert status == 0, err
    assert "Split at max_5, ChannelAffine, 8 bits tiled, HEVC" in out
    shapes = ("--network", str(SHAPES), "--split", "max_5", "--transform", "ChannelAffine")
    status, _, err = dfc("weights", "onnx", CHECKPOINT, *shapes, "--output", "onnx")
    assert status == 0, err
    check_onnx()


def check_onnx() -> None:
    """The exported halves give what ours give, at a step of their input."""
    front, back = (onnxruntime.InferenceSession(f"onnx/{name}.onnx") for name in ("front", "back"))
    network, transform = Network.from_cfg(SHAPES), ChannelAffine()
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
