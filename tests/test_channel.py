"""The feature channel, through real HEVC in real worker processes."""

from collections import Counter
from collections.abc import Iterator

import pytest
import torch

from lightning_app.channel import FeatureChannel, QPOption
from lightning_app.codecs import HEVC
from lightning_app.errors import FeatureError, OptionError
from lightning_app.quantize import dequantize, quantize
from lightning_app.tiling import tile


@pytest.fixture(scope="module")
def channel() -> Iterator[FeatureChannel]:
    channel = FeatureChannel(workers=2)
    yield channel
    channel.close()


def features(shape: tuple[int, ...] = (3, 8, 16, 16), seed: int = 0) -> torch.Tensor:
    """Smooth, as features are, so that a lossy codec has something to save."""
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.avg_pool2d(noise, 3, stride=1, padding=1)


@pytest.mark.parametrize("bits", [8, 10, 12])
def test_lossless_returns_the_quantised_features_to_the_last_bit(bits: int) -> None:
    channel, v = FeatureChannel(bits=bits, workers=1), features()
    decoded, _ = channel({"max_7": v}, ["lossless"] * 3)
    channel.close()
    assert torch.equal(decoded["max_7"], dequantize(*quantize(v, bits), bits))


def test_every_byte_is_counted_and_eight_more_a_tensor(channel: FeatureChannel) -> None:
    v = features()
    qps: list[QPOption] = ["lossless", 22, 37]
    _, bits = channel({"max_7": v}, qps)
    codec = HEVC()
    payloads = [
        codec.encode(picture.numpy(), None if qp == "lossless" else qp)
        for picture, qp in zip(tile(quantize(v, 8)[0]), qps, strict=True)
    ]
    assert bits.tolist() == [8 * (len(payload) + 8) for payload in payloads]


def test_every_tensor_that_crosses_is_coded_and_counted(channel: FeatureChannel) -> None:
    a, b = features(), features((3, 4, 32, 32), seed=1)
    both, bits = channel({"max_17": a, "reorg_27": b}, [22, 27, 32])
    first, bits_a = channel({"max_17": a}, [22, 27, 32])
    second, bits_b = channel({"reorg_27": b}, [22, 27, 32])
    assert torch.equal(bits, bits_a + bits_b)
    assert torch.equal(both["max_17"], first["max_17"])
    assert torch.equal(both["reorg_27"], second["reorg_27"])


def test_each_picture_is_coded_at_its_own_qp(channel: FeatureChannel) -> None:
    v = features((1, 8, 16, 16)).expand(4, -1, -1, -1)
    decoded, bits = channel({"max_7": v}, ["lossless", 22, 32, 42])
    errors = (decoded["max_7"] - v).square().flatten(1).mean(dim=1)
    assert bits.tolist() == sorted(bits.tolist(), reverse=True)
    assert errors.tolist() == sorted(errors.tolist())
    assert len(set(bits.tolist())) == len(set(errors.tolist())) == 4


def test_the_gradient_passes_straight_through(channel: FeatureChannel) -> None:
    v = features().requires_grad_()
    decoded, _ = channel({"max_7": v}, [37] * 3)
    weights = torch.randn(v.shape)
    (decoded["max_7"] * weights).sum().backward()
    assert not torch.equal(decoded["max_7"], v)
    assert v.grad is not None
    assert torch.equal(v.grad, weights)


def test_pictures_smaller_than_a_ctu_are_padded_and_cut_back(channel: FeatureChannel) -> None:
    v = features((2, 1, 13, 13))
    decoded, _ = channel({"conv_0": v}, ["lossless", "lossless"])
    assert torch.equal(decoded["conv_0"], dequantize(*quantize(v, 8), 8))


def test_a_constant_tensor_survives(channel: FeatureChannel) -> None:
    v = torch.full((1, 8, 16, 16), -2.5)
    decoded, _ = channel({"max_7": v}, [37])
    assert torch.equal(decoded["max_7"], v)


def test_features_that_are_not_finite_are_refused_with_their_layer(channel: FeatureChannel) -> None:
    v = features()
    v[0, 0, 0, 0] = float("nan")
    with pytest.raises(FeatureError, match="max_7: features are NaN"):
        channel({"max_7": v}, [22] * 3)


def test_draws_depend_on_seed_epoch_and_picture_alone(channel: FeatureChannel) -> None:
    indices = list(range(1000))
    draws = channel.draw_qps(0, 3, indices)
    assert draws == [qp for i in indices for qp in channel.draw_qps(0, 3, [i])]
    assert draws != channel.draw_qps(0, 4, indices)
    assert draws != channel.draw_qps(1, 3, indices)
    counts = Counter(draws)
    assert set(counts) == {"lossless", 22, 27, 32, 37}
    assert min(counts.values()) > 150


def test_results_do_not_depend_on_the_number_of_workers(channel: FeatureChannel) -> None:
    alone, v = FeatureChannel(workers=1), features()
    expected, bits = alone({"max_7": v}, [22, 27, 32])
    alone.close()
    decoded, more_bits = channel({"max_7": v}, [22, 27, 32])
    assert torch.equal(decoded["max_7"], expected["max_7"])
    assert torch.equal(bits, more_bits)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"bits": 9}, "bits must be 8, 10 or 12, not 9"),
        ({"qps": [52]}, "QP must be lossless or 0 to 51, not 52"),
        ({"eval_qps": [-1]}, "QP must be lossless or 0 to 51, not -1"),
        ({"qps": []}, "qps names no quantisation parameter"),
        ({"bits": 10, "codec": HEVC(8)}, "the codec takes 8 bits a sample and the channel gives 10"),
        ({"workers": 0}, "workers must be 1 or more, not 0"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(OptionError, match=sentence):
        FeatureChannel(**options)  # type: ignore[arg-type]


def test_evaluation_takes_the_training_qps_unless_told_otherwise() -> None:
    qps: list[QPOption] = ["lossless", 37]
    assert FeatureChannel(qps=qps).eval_qps == ("lossless", 37)
    assert FeatureChannel(qps=qps, eval_qps=[42]).eval_qps == (42,)
