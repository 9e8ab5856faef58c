"""The feature channel, through real HEVC in real worker processes."""

from collections import Counter
from collections.abc import Iterator

import pytest
import torch

from lightning_app.bitstream import SentTensor, pack, unpack
from lightning_app.channel import FeatureChannel, QPOption, receive
from lightning_app.codecs import HEVC, JPEG, JPEGLS, JPEGXL, LZMA, PNG, Codec, Raw
from lightning_app.errors import CodecError, FeatureError, OptionError
from lightning_app.quantize import dequantize, quantize
from lightning_app.tiling import Layout, tile


@pytest.fixture(scope="module")
def channel() -> Iterator[FeatureChannel]:
    channel = FeatureChannel(workers=2)
    with channel.pool:
        yield channel


def features(shape: tuple[int, ...] = (3, 8, 16, 16), seed: int = 0) -> torch.Tensor:
    """Smooth, as features are, so that a lossy codec has something to save."""
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.avg_pool2d(noise, 3, stride=1, padding=1)


@pytest.mark.parametrize("bits", [8, 10, 12])
def test_lossless_returns_the_quantised_features_to_the_last_bit(bits: int) -> None:
    channel, v = FeatureChannel(depth=bits, workers=1), features()
    with channel.pool:
        decoded, _ = channel({"max_7": v}, ["lossless"] * 3)
    assert torch.equal(decoded["max_7"], dequantize(*quantize(v, bits), bits))


def test_every_byte_of_the_container_is_counted(channel: FeatureChannel) -> None:
    v = features()
    qps: list[QPOption] = ["lossless", 22, 37]
    _, bits = channel({"max_7": v}, qps)
    containers = [
        pack(channel.header(qp, 0xFFFFFFFF, (375, 500)), channel.encode({"max_7": v[i : i + 1]}, qp))
        for i, qp in enumerate(qps)
    ]
    assert bits.tolist() == [8 * len(container) for container in containers]
    payload = HEVC().encode(tile(quantize(v, 8)[0])[1].numpy(), 22)
    assert payload in containers[1]
    assert len(containers[1]) - len(payload) == 22


def test_the_cloud_makes_of_the_container_what_the_channel_gives(channel: FeatureChannel) -> None:
    v = {"max_17": features((1, 8, 16, 16)), "reorg_27": features((1, 4, 32, 32), seed=1)}
    decoded, _ = channel(v, [32])
    data = pack(channel.header(32, size=(375, 500)), channel.encode(v, 32))
    header, tensors = unpack(data, 0, [(8, 16, 16), (4, 32, 32)])
    assert header.qp == 32
    for received, expected in zip(receive(header, tensors, HEVC()), decoded.values(), strict=True):
        assert torch.equal(received, expected)


def test_every_tensor_that_crosses_is_coded_and_counted(channel: FeatureChannel) -> None:
    a, b = features(), features((3, 4, 32, 32), seed=1)
    both, bits = channel({"max_17": a, "reorg_27": b}, [22, 27, 32])
    first, bits_a = channel({"max_17": a}, [22, 27, 32])
    second, bits_b = channel({"reorg_27": b}, [22, 27, 32])
    once = 8 * len(pack(channel.header(22), []))  # header and checksum, said once for both
    assert torch.equal(bits, bits_a + bits_b - once + 8 * 2)  # and the length of the first payload
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


@pytest.mark.parametrize("largest", [0.0, 1e-38, 1e38])
def test_zero_tiny_and_huge_tensors_survive_a_lossy_codec(channel: FeatureChannel, largest: float) -> None:
    v = largest * features() / features().abs().amax()
    decoded, _ = channel({"max_7": v}, [22] * 3)
    assert (decoded["max_7"].double() - v.double()).abs().max().item() <= 0.1 * largest


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("bits", [8, 32])
def test_features_that_are_not_finite_are_refused_with_their_layer(bits: int, bad: float) -> None:
    v = features()
    v[1, 0, 0, 0] = bad
    with pytest.raises(FeatureError, match="max_7: features are NaN"):
        FeatureChannel(depth=bits, qps=["lossless"])({"max_7": v}, ["lossless"] * 3)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_float32_samples_that_are_not_finite_are_refused_by_the_cloud(bad: float) -> None:
    channel, v = FeatureChannel(depth=32, qps=["lossless"]), features((1, 8, 16, 16))
    (prepared,) = channel.codec_inputs({"max_7": v})
    prepared.picture[3, 3] = bad
    sent = [SentTensor(prepared.shape, 0, 0, Raw().encode(prepared.picture, None))]
    with pytest.raises(CodecError, match="float32 samples came of which some are NaN or infinite"):
        receive(channel.header("lossless"), sent, Raw())


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
    with alone.pool:
        expected, bits = alone({"max_7": v}, [22, 27, 32])
    decoded, more_bits = channel({"max_7": v}, [22, 27, 32])
    assert torch.equal(decoded["max_7"], expected["max_7"])
    assert torch.equal(bits, more_bits)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"depth": 9}, "depth must be 8, 10 or 12, not 9"),
        ({"qps": [52]}, "QP must be lossless or 0 to 51, not 52"),
        ({"eval_qps": [-1]}, "QP must be lossless or 0 to 51, not -1"),
        ({"qps": []}, "qps names no quantisation parameter"),
        ({"depth": 10, "codec": HEVC(8)}, "the codec takes 8 bits per sample and the channel gives 10"),
        ({"workers": 0}, "workers must be 1 or more, not 0"),
        ({"depth": 32, "zero_min": True}, "zero_min is an option of the quantiser, and depth=32 does not"),
        ({"depth": 32, "gradient": "noise"}, "the gradient noise is the quantiser's, and depth=32 does not"),
        ({"group": 0}, "group=0 must be at least 1"),
        ({"group": 2}, "group=2 must be at least 1, and 1 but for the layout frames"),
        ({"codec": PNG(), "qps": ["lossless"], "layout": "frames"}, "the layout frames is a video, and PNG codes none"),
        ({"codec": PNG()}, "PNG"),
        ({"codec": JPEG()}, "quality"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(OptionError, match=sentence):
        FeatureChannel(**options)  # type: ignore[arg-type]


def test_evaluation_takes_the_training_qps_unless_told_otherwise() -> None:
    qps: list[QPOption] = ["lossless", 37]
    assert FeatureChannel(qps=qps).eval_qps == ("lossless", 37)
    assert FeatureChannel(qps=qps, eval_qps=[42]).eval_qps == (42,)


@pytest.mark.parametrize(
    ("layout", "group"), [("tiled", 1), ("quilted", 1), ("frames", 1), ("frames", 4)], ids=lambda value: str(value)
)
@pytest.mark.parametrize("bits", [8, 12])
def test_every_layout_is_lossless_through_hevc(layout: Layout, group: int, bits: int) -> None:
    v = features((2, 8, 13, 13))  # a frame of one channel is smaller than a CTU
    channel = FeatureChannel(layout=layout, group=group, depth=bits, workers=1)
    with channel.pool:
        decoded, _ = channel({"max_7": v}, ["lossless", "lossless"])
    assert torch.equal(decoded["max_7"], dequantize(*quantize(v, bits), bits))


@pytest.mark.parametrize(
    "codec", [PNG(), PNG(12), JPEGLS(10), JPEGXL(12), LZMA(), Raw(8)], ids=lambda c: type(c).__name__
)
def test_every_lossless_codec_returns_the_quantised_features(codec: Codec) -> None:
    channel, v = FeatureChannel(depth=codec.depth, codec=codec, qps=["lossless"], workers=1), features()
    with channel.pool:
        decoded, _ = channel({"max_7": v}, ["lossless"] * 3)
    assert torch.equal(decoded["max_7"], dequantize(*quantize(v, codec.depth), codec.depth))


@pytest.mark.parametrize("codec", [Raw(), LZMA(32)], ids=lambda c: type(c).__name__)
def test_float32_samples_cross_unquantised(codec: Codec) -> None:
    channel, v = FeatureChannel(depth=32, codec=codec, qps=["lossless"], workers=1), features()
    with channel.pool:
        decoded, bits = channel({"max_7": v}, ["lossless"] * 3)
    assert torch.equal(decoded["max_7"], v)
    if isinstance(codec, Raw):
        assert all(32 * v[0].numel() < b <= 32 * v[0].numel() + 8 * 40 for b in bits.tolist())


def test_a_minimum_of_zero_is_not_sent() -> None:
    v = features().relu()
    sent, unsent = FeatureChannel(workers=1), FeatureChannel(zero_min=True, workers=1)
    with sent.pool, unsent.pool:
        decoded, bits = sent({"max_7": v}, [27] * 3)
        same, fewer = unsent({"max_7": v}, [27] * 3)
    assert torch.equal(decoded["max_7"], same["max_7"])
    assert (bits - fewer).tolist() == [32, 32, 32]


def test_negative_features_are_refused_with_their_layer_where_the_minimum_is_not_sent() -> None:
    with pytest.raises(FeatureError, match="max_7: features are negative"):
        FeatureChannel(zero_min=True)({"max_7": features()}, [27] * 3)


def test_training_with_noise_codes_nothing_and_evaluation_does() -> None:
    channel, v = FeatureChannel(gradient="noise", qps=[22], workers=1), features()
    noisy, bits, qps, _ = channel.submit_training({"max_7": v}, seed=0, epoch=1, indices=[7, 8, 9]).result()
    assert bits is None
    assert qps == ()
    assert 0 < (noisy["max_7"] - v).abs().max().item() < (v.max() - v.min()).item() / 255
    with channel.pool:
        _, bits = channel({"max_7": v}, [22] * 3)
    assert bits.min().item() > 0


def test_noise_has_the_step_of_the_quantiser_that_it_stands_for() -> None:
    v = {"max_7": 10 + features().sigmoid()}
    step = v["max_7"].flatten(1).amax(dim=1) / 255
    channel = FeatureChannel(gradient="noise", zero_min=True)
    noisy = channel.submit_training(v, seed=0, epoch=0, indices=[0, 1, 2]).result().features
    largest = (noisy["max_7"] - v["max_7"]).abs().flatten(1).amax(dim=1)
    assert (largest / step).tolist() == pytest.approx([0.5] * 3, abs=0.01)
    with pytest.raises(FeatureError, match="max_7: features are negative"):
        channel.submit_training({"max_7": features()}, seed=0, epoch=0, indices=[0, 1, 2])


def test_training_draws_a_qp_a_picture(channel: FeatureChannel) -> None:
    v = features()
    drawn, bits, qps, _ = channel.submit_training({"max_7": v}, seed=0, epoch=1, indices=[7, 8, 9]).result()
    assert list(qps) == channel.draw_qps(0, 1, [7, 8, 9])
    expected, same_bits = channel({"max_7": v}, channel.draw_qps(0, 1, [7, 8, 9]))
    assert torch.equal(drawn["max_7"], expected["max_7"])
    assert bits is not None
    assert torch.equal(bits, same_bits)


def test_only_training_steps_code_with_the_training_codec() -> None:
    v, fastest = {"max_7": features()}, HEVC(settings="fastest")
    channel = FeatureChannel(qps=[27], training_codec=fastest, workers=1)
    plain, quick = FeatureChannel(qps=[27], workers=1), FeatureChannel(qps=[27], codec=fastest, workers=1)
    with channel.pool, plain.pool, quick.pool:
        trained = channel.submit_training(v, seed=0, epoch=0, indices=[0, 1, 2]).result()
        tested = channel(v, [27] * 3)
        expected = quick(v, [27] * 3), plain(v, [27] * 3)
    assert torch.equal(trained.features["max_7"], expected[0][0]["max_7"])
    assert trained.bits is not None
    assert torch.equal(trained.bits, expected[0][1])
    assert torch.equal(tested[0]["max_7"], expected[1][0]["max_7"])
    assert not torch.equal(tested[1], expected[0][1])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"training_codec": HEVC(10)}, "^training_codec: the codec takes 10 bits per sample and the channel gives 8"),
        ({"training_codec": JPEG(), "layout": "frames"}, "^training_codec: the layout frames is a video"),
        ({"training_codec": JPEG()}, "quality"),
        ({"training_codec": HEVC(), "gradient": "noise"}, "no codec is in the training: leave training_codec out"),
    ],
)
def test_a_training_codec_that_cannot_be_is_refused(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(OptionError, match=sentence):
        FeatureChannel(**options)  # type: ignore[arg-type]


def test_a_stopped_gradient_leaves_the_decoded_features_without_one() -> None:
    channel, v = FeatureChannel(gradient="stop", workers=1), features().requires_grad_()
    with channel.pool:
        decoded, _ = channel({"max_7": v}, [37] * 3)
    assert not decoded["max_7"].requires_grad
