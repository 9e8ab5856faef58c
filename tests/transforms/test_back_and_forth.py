"""Back-and-forth prediction: back through the last convolution before the cut, forth by a frozen copy of it."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor

from lightning_app.channel import FeatureChannel
from lightning_app.checkpoint import load_model
from lightning_app.darknet import Network
from lightning_app.darknet.weights import save_weights
from lightning_app.errors import OptionError
from lightning_app.graph.last_layers import last_layers
from lightning_app.identity import model_id
from lightning_app.records.points import read_points
from lightning_app.systems import Collaborative
from lightning_app.transforms import KLT, BackAndForth, Chain, ChannelSelection, Correction, FeatureTransform
from lightning_app.transforms.examples import FeatureExamples

Dfc = Callable[..., tuple[int, str, str]]
SHAPES = Path(__file__).parents[2] / "configs/networks/shapes.cfg"
CHECKPOINT = "checkpoints/demo/plain/last.ckpt"
SIZE = (64, 96)


@pytest.fixture
def network() -> Network:
    """With weights of all layers that are not those of a copy made before."""
    return Network.from_cfg(SHAPES, seed=1).eval()


def images(seed: int) -> Tensor:
    """(4, 3, 64, 96): smooth, so that channels and neighbours have something in common."""
    coarse = torch.rand(4, 3, SIZE[0] // 8, SIZE[1] // 8, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(coarse, SIZE, mode="bilinear")


def loader() -> Iterator[Mapping[str, object]]:
    return iter([{"images": images(0)}, {"images": images(1)}])


def sending(network: Network, transform: FeatureTransform, split: str = "max_5") -> Collaborative:
    """A system whose transform has found its values."""
    system = Collaborative(network, FeatureChannel(split, transform=transform, workers=1))
    transform.initialise(FeatureExamples(network, split, "reduced", loader, torch.device("cpu")))
    return system


def restored(system: Collaborative, split: str = "max_5") -> tuple[Tensor, Tensor, Tensor]:
    """The features of other images, what is sent of them, and what the cloud makes of it."""
    with torch.no_grad():
        features = system.features(images(2))
        sent = system.wire.reduce(features)
        return features[split], sent[split], system.wire.restore(sent, [None] * 4)[split]


def error(parts: tuple[Tensor, Tensor, Tensor]) -> float:
    return float((parts[0] - parts[2]).square().mean())


@pytest.mark.parametrize(("split", "source", "layers"), [("max_5", "max_3", 2), ("conv_4", "max_3", 1)])
def test_the_last_convolution_and_all_behind_it_are_the_way_forth(
    network: Network, split: str, source: str, layers: int
) -> None:
    last = last_layers(network, split)
    assert last.layers == [network.layers["conv_4"], network.layers["max_5"]][:layers]
    assert (network.nodes[last.source].name, last.taken) == (source, network.node(source).shape)


def test_every_tensor_that_crosses_has_its_own_way_back() -> None:
    yolov2 = Network.from_cfg(SHAPES.with_name("yolov2-voc.cfg"))
    shapes = yolov2.shapes(yolov2.split("max_17").crossing)
    assert list(shapes) == ["max_17", "reorg_27"]
    transform = BackAndForth(0.5, width=4)
    transform.prepare(shapes, yolov2)
    sent = transform.reduce({name: torch.rand(1, *shape) for name, shape in shapes.items()})
    assert [tuple(v.shape[1:]) for v in sent.values()] == [(c // 2, n, m) for c, n, m in shapes.values()]
    back = transform.restore(sent, torch.zeros(1))
    assert {name: tuple(v.shape[1:]) for name, v in back.items()} == shapes


def test_a_cut_that_no_single_convolution_leads_to_is_refused(tmp_path: Path) -> None:
    yolov2 = Network.from_cfg(SHAPES.with_name("yolov2-voc.cfg"))
    with pytest.raises(OptionError, match="no single convolution leads to route_28, since route_28 takes the outputs"):
        sending(yolov2, BackAndForth(0.5), "route_28")
    path = tmp_path / "small.cfg"
    path.write_text(
        "[net]\nheight=8\nwidth=8\nchannels=3\n[maxpool]\nsize=2\nstride=2\n[convolutional]\nfilters=2\n[avgpool]\n[softmax]\n"
    )
    with pytest.raises(OptionError, match="no single convolution leads to max_0, since there is none: cut elsewhere"):
        last_layers(Network.from_cfg(path), "max_0")
    path.write_text(
        "[net]\nheight=9\nwidth=9\nchannels=3\n[convolutional]\nfilters=4\nsize=3\nstride=2\npad=1\n[avgpool]\n[softmax]\n"
    )
    odd = Network.from_cfg(path)
    with pytest.raises(OptionError, match="conv_0 has 5×5 positions and the convolution before it takes 9×9"):
        BackAndForth().prepare({"conv_0": odd.node("conv_0").shape}, odd)


@pytest.mark.parametrize("split", ["max_5", "conv_4", "conv_0"])
def test_a_share_of_the_channels_is_sent_and_comes_back_as_it_was_sent(network: Network, split: str) -> None:
    transform = BackAndForth(0.25)
    whole, sent, back = restored(sending(network, transform, split), split)
    assert sent.shape[1] == whole.shape[1] / 4
    assert back.shape == whole.shape
    assert torch.equal(back[:, transform.kept(0)], whole[:, transform.kept(0)])
    assert not torch.equal(back, whole)


def test_without_training_it_predicts_better_than_channel_selection(network: Network) -> None:
    ours, theirs = (restored(sending(network, kind(0.25))) for kind in (BackAndForth, ChannelSelection))
    assert error(ours) < 0.9 * error(theirs)
    assert error(ours) < 0.5 * float(ours[0].var(dim=(0, 2, 3)).mean())


def test_what_goes_forth_are_the_layers_as_they_are_when_the_values_are_found(network: Network) -> None:
    transform = BackAndForth(0.5)
    system = Collaborative(network, FeatureChannel("max_5", transform=transform, workers=1))
    with torch.no_grad():  # as weights that are loaded
        network.get_parameter("layers.conv_4.conv.weight").mul_(2)
    transform.initialise(FeatureExamples(network, "max_5", "reduced", loader, torch.device("cpu")))
    with torch.no_grad():
        taken = network.tapped(images(2), (last_layers(network, "max_5").source,))[0]
        assert torch.equal(transform.forths[0](taken), system.features(images(2))["max_5"])
        network.get_parameter("layers.conv_4.conv.weight").zero_()
        assert transform.forths[0](taken).abs().sum() > 0  # a training of the front does not change them


def test_the_gradient_reaches_the_way_back_and_the_front_and_nothing_of_the_way_forth(network: Network) -> None:
    transform = BackAndForth(0.25)
    system = sending(network, transform)
    transform.train()
    statistics = {name: value.clone() for name, value in transform.forths.state_dict().items()}
    assert not list(transform.forths.parameters())
    features = system.features(images(2))
    sent = {name: v[:, transform.kept(0)] for name, v in features.items()}
    back = transform.restore(sent, torch.zeros(4))["max_5"]
    unsent = [c for c in range(back.shape[1]) if c not in transform.kept(0).tolist()]
    torch.autograd.backward(back[:, unsent].square().sum())
    with torch.no_grad():
        transform.get_parameter("backs.0.leave.weight").add_(0.1)  # behind zeros nothing learns
    again = transform.restore({"max_5": sent["max_5"].detach()}, torch.zeros(4))["max_5"]
    torch.autograd.backward(again.square().sum())
    learning = [*transform.parameters(), network.get_parameter("layers.conv_0.conv.weight")]
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in learning)
    assert all(torch.equal(value, statistics[name]) for name, value in transform.forths.state_dict().items())


def test_another_transform_may_come_behind_it_and_none_before_it(network: Network) -> None:
    whole, sent, back = restored(sending(network, Chain([BackAndForth(0.25), KLT(0), Correction()])))
    assert (sent.shape[1], back.shape) == (8, whole.shape)
    alone = restored(sending(network, BackAndForth(0.25)))
    assert torch.allclose(back, alone[2], atol=1e-4)
    with pytest.raises(OptionError, match="predicts through the layers before the cut: let it be the first"):
        sending(network, Chain([KLT(0), BackAndForth(0.25)]))


def test_a_wrong_option_gets_one_sentence() -> None:
    with pytest.raises(OptionError, match="width must be at least 1, not 0"):
        BackAndForth(width=0)
    with pytest.raises(OptionError, match="keep must be above 0 and at most 1, not 2"):
        BackAndForth(2)


def test_a_checkpoint_keeps_it_with_the_layers_that_go_forth(network: Network, tmp_path: Path) -> None:
    transform = BackAndForth(0.25)
    expected = restored(sending(network, transform))[2]
    state = {f"network.{name}": value for name, value in network.state_dict().items()}
    state |= {f"system.channel.transform.{name}": value for name, value in transform.state_dict().items()}
    torch.save({"state_dict": state, "seen": 0, "crossing": ["max_5"]}, tmp_path / "a.ckpt")
    other, again = Network.from_cfg(SHAPES, seed=2).eval(), BackAndForth(0.25)
    system = Collaborative(other, FeatureChannel("max_5", transform=again, workers=1))
    assert model_id(other, again) != model_id(network, transform)
    load_model(other, tmp_path / "a.ckpt", again)
    assert torch.equal(restored(system)[2], expected)
    assert model_id(other, again) == model_id(network, transform)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*does not have many workers")
def test_a_fit_trains_it_and_evaluate_encode_and_decode_use_it(dfc: Dfc, tiny: tuple[str, ...]) -> None:
    path, options = "lightning_app.transforms.BackAndForth", {"keep": 0.25, "width": 8}
    transform = ("--model.channel.transform", json.dumps({"class_path": path, "init_args": options}))
    channel = ("--model.channel.split", "max_5", "--model.channel.qps", "[lossless,37]")
    distilled = ("--model.criterion", "lightning_app.criteria.Distillation", "--model.weights", "initial.weights")
    save_weights(Network.from_cfg(SHAPES, seed=3), Path("initial.weights"))
    status, _, err = dfc("fit", *tiny, *channel, *transform, *distilled)
    assert status == 0, err
    before = "system.channel.transform."
    state = torch.load(CHECKPOINT, weights_only=True)["state_dict"]
    assert bool(state[f"{before}initialised"])
    assert state[f"{before}backs.0.leave.weight"].abs().sum() > 0  # it was zero
    first = Network.from_cfg(SHAPES, seed=3).get_parameter("layers.conv_4.conv.weight")
    assert torch.equal(state[f"{before}forths.0.layers.0.conv.weight"], first)
    assert not torch.equal(state["network.layers.conv_4.conv.weight"], first)
    assert dfc("evaluate", *tiny, *channel, *transform, "--model.weights", CHECKPOINT)[0] == 0
    points = read_points(Path("runs/evaluation/points.csv"))
    assert {point.transform for point in points} == {"BackAndForth(0.25/8)", ""}
    picture = next(Path("data/shapes/Shapes/JPEGImages").glob("*.jpg"))
    model = ("--network", SHAPES, "--weights", CHECKPOINT)
    flags = ("--channel.transform", path, "--channel.transform.keep", "0.25", "--channel.transform.width", "8")
    sent = ("--channel.split", "max_5", "--qp", "37", *flags)
    assert dfc("encode", picture, "-o", "a.dfc", *model, *sent)[0] == 0
    Path("five.names").write_text("a\nb\nc\nd\ne\n")
    given = [word.replace("channel.", "") for word in flags]
    status, out, err = dfc("decode", "a.dfc", *model, "--classes", "five.names", *given)
    assert (status, out.count("Written to a.json")) == (0, 1), err
    onnx = ("--network", SHAPES, "--split", "max_5", "--output", "onnx")
    status, out, err = dfc("weights", "onnx", CHECKPOINT, *onnx, *given)
    assert (status, out) == (0, "Written to onnx/front.onnx\nWritten to onnx/back.onnx\n"), err
