"""``dfc encode`` and ``dfc decode``: two processes' worth of work, the same detections as in one."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from lightning_app.bitstream import ContainerHeader, SentTensor, pack, unpack
from lightning_app.channel import FeatureChannel
from lightning_app.codecs import HEVC, PNG
from lightning_app.darknet import Network, save_weights
from lightning_app.errors import CodecError, OptionError
from lightning_app.identity import model_id
from lightning_app.systems import Collaborative
from lightning_app.transmit import detect_from, encode_picture

NETWORKS = Path(__file__).parents[2] / "configs/networks"
Dfc = Callable[..., tuple[int, str, str]]


@pytest.fixture
def lite(shared: Path) -> tuple[str, ...]:
    weights = shared / "weights/yolo-lite/tiny-yolov2-trial3.weights"
    return "--network", "configs/networks/yolo-lite.cfg", "--weights", str(weights)


@pytest.fixture
def picture(shared: Path) -> Path:
    return shared / "VOCdevkit/VOC2007/JPEGImages/000001.jpg"


CASES = [
    ["--channel.split", "max_7", "--qp", "32"],
    ["--channel.split", "max_5", "--channel.depth", "10", "--channel.layout", "quilted"],
    ["--channel.split", "max_7", "--channel.layout", "frames", "--channel.group", "8", "--qp", "27"],
    ["--channel.split", "max_7", "--channel.codec", "PNG"],
    ["--channel.split", "max_7", "--channel.depth", "32"],
    ["--channel.split", "max_7", "--qp", "37", "--resize", "letterbox"],
]


def predicted(dfc: Dfc, shared: Path, lite: tuple[str, ...], options: list[str], devkit: Path) -> list[object]:
    """What ``dfc predict`` finds in the picture in one process."""
    qp = options[options.index("--qp") + 1] if "--qp" in options else "lossless"
    channel = [o.replace("--channel", "--model.channel") for o in options if o.startswith("--channel")]
    values = [options[options.index(o) + 1] for o in options if o.startswith("--channel")]
    named = [word for pair in zip(channel, values, strict=True) for word in pair]
    resize = ["--data.resize", "letterbox"] if "letterbox" in options else []
    status, out, err = dfc(
        "predict", "-c", "configs/yolo_lite.yaml", "--data.root", devkit, "--data.eval_batch_size", "1",
        "--model.weights", lite[3], *named, "--model.channel.qps", f"[{qp}]", *resize,
        "--trainer.enable_progress_bar", "false",
    )  # fmt: skip
    assert status == 0, err
    path = out.split("Written to ")[1].strip()
    (only,) = json.loads(Path(path).read_text())
    return list(only["detections"])


@pytest.fixture
def devkit(shared: Path, tmp_path: Path) -> Path:
    """A devkit whose test set is one real picture."""
    year = tmp_path / "one/VOC2007"
    (year / "ImageSets/Main").mkdir(parents=True)
    (year / "ImageSets/Main/test.txt").write_text("000001\n")
    for folder in ("JPEGImages", "Annotations"):
        (year / folder).symlink_to(shared / "VOCdevkit/VOC2007" / folder)
    return year.parent


@pytest.mark.slow
@pytest.mark.parametrize("options", CASES, ids=lambda options: " ".join(options[2:]))
def test_the_cloud_finds_what_one_process_finds_to_the_bit(
    dfc: Dfc, shared: Path, lite: tuple[str, ...], picture: Path, devkit: Path, options: list[str]
) -> None:
    status, out, err = dfc("encode", picture, "-o", "x.dfc", *lite, *options)
    assert status == 0, err
    size = Path("x.dfc").stat().st_size
    assert f"{size} bytes, {8 * size / 1000:.2f} kilobits" in out
    status, out, err = dfc("decode", "x.dfc", "-o", "found/x.json", *lite)
    assert status == 0, err
    found = json.loads(Path("found/x.json").read_text())
    assert found == predicted(dfc, shared, lite, options, devkit)
    assert found[0]["score"] > 0.3


@pytest.fixture(scope="module")
def network() -> Network:
    return Network.from_cfg(NETWORKS / "shapes.cfg").eval()


@pytest.fixture(scope="module")
def container(network: Network, tmp_path_factory: pytest.TempPathFactory) -> bytes:

    path = tmp_path_factory.mktemp("picture") / "a.png"
    Image.linear_gradient("L").convert("RGB").save(path)
    channel = FeatureChannel(split="max_5", workers=1)
    with channel.pool:
        return encode_picture(path, Collaborative(network, channel), 32)


def unpacked(container: bytes, network: Network) -> tuple[ContainerHeader, list[SentTensor]]:
    shapes = network.shapes(network.split("max_5").crossing)
    return unpack(container, model_id(network), list(shapes.values()))


def test_the_user_is_told_what_a_short_file_leaves_out(dfc: Dfc, network: Network) -> None:
    save_weights(network, "short.weights", upto=4)
    Image.linear_gradient("L").convert("RGB").save("a.png")
    options = ("--network", "configs/networks/shapes.cfg", "--weights", "short.weights", "--channel.split", "max_3")
    status, _, err = dfc("encode", "a.png", *options)
    assert status == 0
    missing = "conv_4, conv_6, conv_8, conv_9"
    assert err == f"short.weights ends before {missing}: the layers named here keep their initial values.\n"


def test_another_networks_container_is_refused(container: bytes) -> None:
    other = Network.from_cfg(NETWORKS / "shapes.cfg", seed=1).eval()
    with pytest.raises(CodecError, match="was made with another network, transform or weights"):
        detect_from(container, other)


def test_the_same_weights_are_one_model_whatever_file_they_come_from(network: Network) -> None:
    trained = Network.from_cfg(NETWORKS / "shapes.cfg")
    trained.train()(torch.rand(2, 3, 64, 64))  # batch norm counts it
    again = Network.from_cfg(NETWORKS / "shapes.cfg")
    again.load_state_dict({**trained.state_dict(), **{k: v for k, v in again.state_dict().items() if "num" in k}})
    assert model_id(trained) == model_id(again) != model_id(network)


def test_another_architecture_is_another_model_with_the_same_weights(network: Network, tmp_path: Path) -> None:
    text = (NETWORKS / "shapes.cfg").read_text()
    for name, changed in {"a": text.replace("anchors=1.5", "anchors=1.6"), "b": text.replace("leaky", "relu")}.items():
        (tmp_path / name).write_text(changed)
        assert model_id(Network.from_cfg(tmp_path / name)) != model_id(network)
    (tmp_path / "c").write_text(text.replace("[net]", "[net]\nbatch=64"))  # of a training, not of the model
    assert model_id(Network.from_cfg(tmp_path / "c")) == model_id(network)


def test_the_same_weights_with_another_eps_are_another_model(network: Network) -> None:
    """So it is in the cache of `dfc evaluate`, whose key is made of the same identity."""
    before = Network.from_cfg(NETWORKS / "shapes.cfg")
    before.load_state_dict(network.state_dict())
    assert model_id(before) == model_id(network)
    for module in before.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = 1e-6
    assert model_id(before) != model_id(network)
    assert list(before.identity())[1:] == list(network.identity())[1:]


@pytest.mark.parametrize(("name", "words"), [("other", "a codec of your own"), ("HM", "HM")])
def test_a_codec_that_its_name_does_not_make_must_be_given(
    container: bytes, network: Network, name: str, words: str
) -> None:
    header, tensors = unpacked(container, network)
    foreign = pack(replace(header, codec=name), tensors)
    with pytest.raises(OptionError, match=rf"the \.dfc file was coded by {words}: give --codec and its options"):
        detect_from(foreign, network)
    with pytest.raises(OptionError, match=r"--codec takes 10 bits per sample and the \.dfc file has 8: set its depth"):
        detect_from(foreign, network, codec=HEVC(10))
    found, same = detect_from(foreign, network, codec=HEVC()), detect_from(container, network)
    assert all(torch.equal(found[key], same[key]) for key in ("boxes", "scores", "labels"))


def test_another_codec_than_the_one_that_the_container_names_is_refused(container: bytes, network: Network) -> None:
    with pytest.raises(OptionError, match=r"the \.dfc file was coded by HEVC, not PNG: leave out --codec"):
        detect_from(container, network, codec=PNG())


def test_a_container_of_transformed_features_needs_the_transform(container: bytes, network: Network) -> None:
    header, tensors = unpacked(container, network)
    with pytest.raises(CodecError, match="was made with a transform: give the mobile side's --transform"):
        detect_from(pack(replace(header, transformed=True), tensors), network)


def test_a_picture_of_another_shape_than_crosses_is_refused(container: bytes, network: Network) -> None:
    header, (tensor,) = unpacked(container, network)
    other = HEVC().encode(np.zeros((16, 16), np.uint8), 32)
    with pytest.raises(CodecError, match="16"):
        detect_from(pack(header, [replace(tensor, payload=other)]), network)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["encode", "absent.jpg"], "the picture absent.jpg is not there"),
        (["encode", "absent.jpg", "--qp", "52"], "QP must be lossless or 0 to 51, not 52"),
        (["decode", "absent.dfc"], "absent.dfc cannot be read"),
        (["decode", "configs/networks/shapes.cfg"], "this is no .dfc file"),
        (["decode", "a.dfc", "--network", "configs/networks/darknet19.cfg"], "darknet19.cfg is no detector: it has no"),
    ],
)
def test_a_users_mistake_gets_one_sentence(dfc: Dfc, network: Network, arguments: list[str], sentence: str) -> None:
    save_weights(network, Path("a.weights"))
    model = ("--network", "configs/networks/shapes.cfg", "--weights", "a.weights")
    classes = Path("classes.txt")
    classes.write_text("a\nb\nc\nd\ne\n")
    names = ("--classes", classes) if arguments[0] == "decode" else ("--channel.split", "max_5")
    status, _, err = dfc(arguments[0], *model, *names, *arguments[1:])
    assert (status, err.count("\n")) == (2, 1)
    assert sentence in err
