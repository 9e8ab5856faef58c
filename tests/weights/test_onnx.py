"""``dfc weights onnx``: onnxruntime computes what torch computes, front then back."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from lightning_app.darknet import Network, load_weights

Dfc = Callable[..., tuple[int, str, str]]
NETWORKS = Path("configs/networks")


def session(path: str) -> onnxruntime.InferenceSession:
    """A file that ONNX's checker finds sound, ready to run."""
    onnx.checker.check_model(path, full_check=True)
    assert [entry.version for entry in onnx.load(path).opset_import] == [18]
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def names(values: list[onnxruntime.NodeArg]) -> list[str]:
    return [value.name for value in values]


def assert_equal_to_torch(network: Network, files: list[str], shape: tuple[int, ...]) -> None:
    """Run the files one after another; each takes what the one before gave. Relative to the largest value of a head."""
    images = torch.rand(shape, generator=torch.Generator().manual_seed(1))
    tensors = {"images": images.numpy()}
    for file in files:
        running = session(file)
        assert names(running.get_inputs()) == list(tensors)
        tensors = dict(zip(names(running.get_outputs()), running.run(None, tensors), strict=True))
    with torch.no_grad():
        expected = network.eval()(images)
    assert list(tensors) == [network.nodes[index].name for index in network.outputs]
    for ours, theirs in zip(expected, tensors.values(), strict=True):
        assert theirs.shape == ours.shape
        assert np.abs(theirs - ours.numpy()).max() < 1e-5 * ours.abs().max().item()


@pytest.mark.parametrize(
    ("name", "options", "crossing"),
    [
        pytest.param("yolov2-tiny-voc", ["--split", "max_7"], ["max_7"], marks=pytest.mark.slow),
        ("yolo-lite", ["--split", "max_7"], ["max_7"]),
        ("yolo-lite", ["--split", "conv_11", "--passthrough", "full"], ["conv_11"]),
        pytest.param("yolov2-voc", ["--split", "max_17"], ["max_17", "reorg_27"], marks=pytest.mark.slow),
    ],
)
def test_front_then_back_by_onnxruntime_is_the_network_for_any_number_of_pictures_of_any_size(
    dfc: Dfc, random_weights: Callable[[Path], Path], name: str, options: list[str], crossing: list[str]
) -> None:
    cfg = NETWORKS / f"{name}.cfg"
    weights = random_weights(cfg)
    printed = "Written to out/front.onnx\nWritten to out/back.onnx\n"
    assert dfc("weights", "onnx", weights, "--network", cfg, *options, "--output", "out") == (0, printed, "")
    assert sorted(path.name for path in Path("out").iterdir()) == ["back.onnx", "front.onnx"]
    assert names(session("out/front.onnx").get_outputs()) == crossing
    network = Network.from_cfg(cfg)
    load_weights(network, weights)
    for shape in ((1, 3, 64, 64), (3, 3, 96, 128)):
        assert_equal_to_torch(network, ["out/front.onnx", "out/back.onnx"], shape)


def test_without_a_split_the_whole_network_is_one_file(dfc: Dfc, random_weights: Callable[[Path], Path]) -> None:
    cfg = NETWORKS / "shapes.cfg"
    weights = random_weights(cfg)
    assert dfc("weights", "convert", weights, "a.ckpt", "--network", cfg)[0] == 0
    assert dfc("weights", "onnx", "a.ckpt", "--output", "out") == (0, "Written to out/whole.onnx\n", "")
    network = Network.from_cfg(cfg)
    load_weights(network, weights)
    assert_equal_to_torch(network, ["out/whole.onnx"], (2, 3, 64, 96))


def test_real_weights_find_in_onnxruntime_what_they_find_in_torch(dfc: Dfc, shared: Path) -> None:
    weights = shared / "weights/yolo-lite/tiny-yolov2-trial3.weights"
    cfg = NETWORKS / "yolo-lite.cfg"
    assert dfc("weights", "onnx", weights, "--network", cfg, "--split", "max_5", "--output", "out")[0] == 0
    network = Network.from_cfg(cfg)
    load_weights(network, weights)
    assert_equal_to_torch(network, ["out/front.onnx", "out/back.onnx"], (2, 3, 224, 224))


CONV = "[convolutional]\nbatch_normalize=1\nsize=3\npad=1\nactivation=leaky\n"
END = (
    "[convolutional]\nfilters=14\nactivation=linear\n[yolo]\nmask={}\nanchors=4,6,12,14,20,28,40,60\nnum=4\nclasses=2\n"
)
TWO_HEADS = "".join(
    [
        "[net]\nwidth=32\nheight=32\n",
        CONV + "filters=8\nstride=2\n",
        CONV + "filters=8\ngroups=8\n",
        "[shortcut]\nfrom=-2\nactivation=relu\n",
        CONV + "filters=16\nstride=2\n",
        END.format("2,3"),
        "[route]\nlayers=3\n",
        CONV + "filters=4\n",
        "[upsample]\nstride=2\n",
        "[route]\nlayers=-1,2\n",
        END.format("0,1"),
    ]
)
"""As YOLO-Fastest: a first head, and a second one that takes a shortcut and a route beside it."""


@pytest.mark.parametrize(
    ("passthrough", "crossing"),
    [("reduced", ["conv_4", "shortcut_2", "conv_7"]), ("full", ["conv_4", "shortcut_2", "conv_3"])],
)
def test_heads_shortcuts_and_upsampling_give_in_onnxruntime_what_they_give_in_torch(
    dfc: Dfc, random_weights: Callable[[Path], Path], passthrough: str, crossing: list[str]
) -> None:
    cfg = Path("two_heads.cfg")
    cfg.write_text(TWO_HEADS)
    weights = random_weights(cfg)
    options = ("--split", "yolo_5", "--passthrough", passthrough, "--output", "out")
    assert dfc("weights", "onnx", weights, "--network", cfg, *options)[0] == 0
    # The first head is ready on the mobile side; the second takes the shortcut, and the trunk or what is made of it.
    assert names(session("out/front.onnx").get_outputs()) == crossing
    network = Network.from_cfg(cfg)
    load_weights(network, weights)
    assert_equal_to_torch(network, ["out/front.onnx", "out/back.onnx"], (2, 3, 96, 128))


CLASSIFIER = """
[net]
width=32
height=32
channels=1
[convolutional]
batch_normalize=1
filters=8
size=3
pad=1
activation=mish
[convolutional]
filters=16
size=3
stride=2
pad=1
groups=4
activation=swish
[dropout]
probability=.5
[convolutional]
filters=10
size=1
activation=relu6
[avgpool]
[convolutional]
filters=5
size=1
activation=logistic
[softmax]
"""


def test_a_classifier_of_grey_pictures_is_cut_behind_its_pooling_but_not_behind_its_end(
    dfc: Dfc, random_weights: Callable[[Path], Path]
) -> None:
    cfg = Path("classifier.cfg")
    cfg.write_text(CLASSIFIER)
    arguments = ("weights", "onnx", random_weights(cfg), "--network", cfg, "--output", "out", "--split")
    assert dfc(*arguments, "avgpool_4")[0] == 0
    network = Network.from_cfg(cfg)
    load_weights(network, "random.weights")
    for shape in ((1, 1, 32, 32), (3, 1, 64, 48)):
        assert_equal_to_torch(network, ["out/front.onnx", "out/back.onnx"], shape)
    status, _, err = dfc(*arguments, "softmax_6")
    assert (status, err) == (
        2,
        "dfc: nothing is left behind softmax_6 for the back; cut before it, or leave out --split\n",
    )


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--split", "max_8"], "no layer is named 'max_8'; the layers are conv_0, max_1, "),
        (["--passthrough", "full"], "--passthrough says what is sent at a cut: give --split too, or leave it out"),
        (["--output", "there"], "there/whole.onnx is already there and is not overwritten; move it away or give"),
        (["--output", "net.cfg"], "net.cfg/whole.onnx cannot be written: File exists; choose another place"),
        (["--network", "short.cfg"], "random.weights ends before conv_12; train from it first, or ask for fewer"),
    ],
)
def test_what_cannot_be_exported_is_refused_in_one_sentence(
    dfc: Dfc, random_weights: Callable[[Path], Path], options: list[str], sentence: str
) -> None:
    cfg = NETWORKS / "yolo-lite.cfg"
    weights = random_weights(cfg)
    Path("there").mkdir()
    Path("there/whole.onnx").touch()
    text = cfg.read_text()
    last = text.index("[region]")
    Path("net.cfg").write_text(text)
    Path("short.cfg").write_text(f"{text[:last]}[convolutional]\nfilters=125\nactivation=linear\n{text[last:]}")
    status, out, err = dfc("weights", "onnx", weights, "--network", "net.cfg", "--output", "out", *options)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert sentence in err
    assert not Path("out").exists()


@pytest.mark.slow
def test_a_person_sees_nothing_but_the_name_of_the_file(random_weights: Callable[[Path], Path]) -> None:
    cfg = NETWORKS / "shapes.cfg"
    options = ["weights", "onnx", str(random_weights(cfg)), "--network", str(cfg), "--output", "out"]
    result = subprocess.run(
        [sys.executable, "-m", "lightning_app", *options], capture_output=True, text=True, check=True
    )
    assert (result.stdout, result.stderr) == ("Written to out/whole.onnx\n", "")


def test_without_the_exporter_installed_the_remedy_is_the_extra(
    dfc: Dfc, random_weights: Callable[[Path], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    cfg = NETWORKS / "yolo-lite.cfg"
    status, _, err = dfc("weights", "onnx", random_weights(cfg), "--network", cfg, "--output", "out")
    assert (status, err) == (
        2,
        "dfc: ONNX export needs the package onnxscript; pip install 'deep-feature-compression[onnx]'\n",
    )
