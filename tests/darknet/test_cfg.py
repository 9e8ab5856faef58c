"""Reading .cfg files: what is understood, and what is refused in one sentence with its line."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lightning_app.darknet import Network
from lightning_app.darknet.cfg import read_cfg
from lightning_app.errors import CfgError

NET = "[net]\nwidth=32\nheight=32\n"
CONV = "[convolutional]\nfilters=7\nactivation=linear\n"
REGION = "[region]\nanchors=1,1\nclasses=2\nnum=1\nsoftmax=1\n"


def test_comments_blank_lines_and_spaces_are_read_as_darknet_does(cfg: Callable[[str], Path]) -> None:
    sections = read_cfg(cfg("# a net\n\n[net]\n width = 32 # pixels\n;old\nheight=64\n"))
    assert sections[0].options == {"width": "32", "height": "64"}


def test_a_yolo_lite_of_ours_is_the_published_one(shared: Path) -> None:
    ours = Network.from_cfg(Path(__file__).parents[2] / "configs/networks/yolo-lite.cfg")
    published = Network.from_cfg(shared / "weights/yolo-lite/tiny-yolov2-trial3.cfg")
    assert ours.nodes == published.nodes
    assert ours.heads == published.heads
    assert str(ours.layers) == str(published.layers)


def test_yolov2_voc_has_the_floats_and_features_of_the_paper() -> None:
    network = Network.from_cfg(Path(__file__).parents[2] / "configs/networks/yolov2-voc.cfg")
    floats = sum(p.numel() for p in network.parameters())
    floats += sum(b.numel() for name, b in network.named_buffers() if name.endswith(("_mean", "_var")))
    assert floats == 50_676_061
    volumes = {name: c * n * m for name, (c, n, m) in ((node.name, node.shape) for node in network.nodes)}
    assert (volumes["max_3"], volumes["max_7"], volumes["max_11"]) == (692_224, 346_112, 173_056)
    assert (volumes["max_17"], volumes["reorg_27"], volumes["conv_16"]) == (86_528, 43_264, 346_112)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (NET + CONV + "[upsampel]\nstride=2\n" + REGION, "net.cfg:7: section [upsampel] is not supported"),
        (NET + CONV + "dropout=1\n" + REGION, "net.cfg:7: option dropout= of [convolutional] is not supported"),
        (NET + CONV + "filters=7\n" + REGION, "net.cfg:7: option filters= of [convolutional] is given twice"),
        (NET + CONV + "nonsense\n" + REGION, "net.cfg:7: expected key=value"),
        (CONV + REGION, "must open with a [net] section"),
        ("[net]\nwidth=32\n" + CONV + REGION, "net.cfg:1: [net] has no height=; add it"),
        ("[net]\nwidth=wide\nheight=3\n" + CONV + REGION, "width must be an integer, not 'wide'"),
        (NET + CONV.replace("linear", "swish") + REGION, "activation=swish is not supported; supported are leaky"),
        (NET + CONV.replace("7", "8") + REGION, "needs 7 channels, num·(coords + 1 + classes), and is given 8"),
        (NET + CONV, "[convolutional] ends the network, which must end with its one [region]"),
        (NET + CONV + REGION.replace("num=1", "num=2"), "num=2 needs 4 positive anchors, found 2 numbers"),
        (NET + CONV + REGION.replace("softmax=1", "softmax=0"), "softmax=0 is not supported"),
        (NET + "[route]\nlayers=-1\n" + REGION, "layers=-1 reaches layer -1, which is not before it"),
        (NET + CONV + "groups=2\n" + REGION, "groups=2 must divide its 3 channels and 7 filters"),
        (NET + CONV + "[reorg]\nstride=2\n" + REGION, "its square 7 channels"),
        (NET + CONV + "[maxpool]\nsize=2\nstride=2\n[route]\nlayers=-1,-2\n" + REGION, "joins layers of different"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(cfg: Callable[[str], Path], text: str, sentence: str) -> None:
    with pytest.raises(CfgError) as error:
        Network.from_cfg(cfg(text))
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CfgError, match=r"absent\.cfg cannot be read"):
        Network.from_cfg(tmp_path / "absent.cfg")
