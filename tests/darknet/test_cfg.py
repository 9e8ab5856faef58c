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
YOLO = "[yolo]\nmask=0\nanchors=8,8\nclasses=2\nnum=1\n"


def test_comments_blank_lines_and_spaces_are_read_as_darknet_does(cfg: Callable[[str], Path]) -> None:
    sections = read_cfg(cfg("# a net\n\n[net]\n width = 32 # pixels\n;old\nheight=64\n"))
    assert sections[0].options == {"width": "32", "height": "64"}


def test_spaces_inside_a_line_are_nothing_to_darknet(cfg: Callable[[str], Path]) -> None:
    sections = read_cfg(cfg("[net]\nwidth=32\n[ yolo ]\nmask = 3, 4,5\nanchors = 26, 48,  67, 84\t,  72,175\n"))
    assert sections[1].kind == "yolo"
    assert sections[1].integers("mask") == [3, 4, 5]
    assert sections[1].reals("anchors") == [26, 48, 67, 84, 72, 175]


def test_options_of_darknets_own_training_are_read_over(cfg: Callable[[str], Path]) -> None:
    """As in darknet19.cfg, yolov3.cfg and yolov4.cfg."""
    training = (
        "batch=64\nsubdivisions=8\nmin_crop=128\nmax_crop=448\nmomentum=.9\ndecay=.0005\nburn_in=1000\n"
        "learning_rate=.1\npolicy=poly\npower=4\nmax_batches=800000\nangle=7\nhue=.1\nsaturation=.75\n"
        "exposure=.75\naspect=.75\nflip=1\nsteps=4,5\nscales=.1,.1\nmosaic=1\n"
    )
    options = "jitter=.3\nrandom=1\n"
    network = Network.from_cfg(cfg(NET + training + CONV + REGION + options + "absolute=1\n"))
    assert network.nodes == Network.from_cfg(cfg(NET + CONV + REGION)).nodes


def test_an_option_may_be_repeated_with_its_value(cfg: Callable[[str], Path]) -> None:
    """As the published yolo9000.cfg does."""
    sections = read_cfg(cfg("[net]\n# Testing\nbatch=1\n# batch=64\nbatch=1\nwidth=32\n"))
    assert sections[0].options == {"batch": "1", "width": "32"}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (NET + CONV + "[upsampel]\nstride=2\n" + REGION, "net.cfg:7: section [upsampel] is not supported"),
        (NET + CONV + "dropout=1\n" + REGION, "net.cfg:7: option dropout= of [convolutional] is not supported"),
        (NET + CONV + "filters=8\n" + REGION, "net.cfg:7: option filters= of [convolutional] is given twice, 7 and 8"),
        (NET + CONV + "nonsense\n" + REGION, "net.cfg:7: expected key=value"),
        (CONV + REGION, "must open with a [net] section"),
        ("[net]\nwidth=32\n" + CONV + REGION, "net.cfg:1: [net] has no height=; add it"),
        (
            "[net]\nwidth=wide\nheight=3\n" + CONV + REGION,
            "width must be an integer, of nine digits at most, not 'wide'",
        ),
        (NET + CONV.replace("linear", "elu") + REGION, "activation=elu is not supported; supported are linear, leaky"),
        (NET + CONV + "padding=-1\n" + REGION, "padding must be at least 0, not -1"),
        (NET + CONV.replace("7", "8") + REGION, "needs 7 channels, anchors·(coords + 1 + classes), and is given 8"),
        (NET + CONV.replace("7", "8") + YOLO, "needs 7 channels, anchors·(coords + 1 + classes), and is given 8"),
        (
            NET + CONV,
            "[convolutional] ends the network, which must end with a head, [region] or [yolo], or",
        ),
        (NET, "net.cfg:1: [net] ends the network"),
        (NET + CONV + REGION + "[route]\nlayers=0\n", "net.cfg:12: [route] ends the network"),
        (NET + CONV + "[cost]\ntype=sse\n", "[cost] ends the network"),
        (NET + CONV + YOLO + "[route]\nlayers=0\n[avgpool]\n[softmax]\n", "[softmax] ends the network"),
        (NET + CONV + NET, "net.cfg:7: [net] opens a second network; keep one a file"),
        (NET + CONV + YOLO + CONV + YOLO, "net.cfg:12: [convolutional] takes the output of layer 1, a head"),
        (NET + CONV + YOLO + "[route]\nlayers=0,1\n" + YOLO, "[route] takes the output of layer 1, a head"),
        (
            NET + CONV + YOLO + "[route]\nlayers=0\n" + CONV.replace("7", "8") + YOLO.replace("=2", "=3"),
            "net.cfg:17: [yolo] has 3 classes and an earlier head 2; set classes= alike",
        ),
        (NET.replace("h=32", "h=36") + CONV + "stride=8\n" + YOLO, "has 4×5 cells for 32×36 pixels; make height= and"),
        (NET + CONV + REGION.replace("num=1", "num=2"), "num=2 needs 4 positive anchors, found 2 numbers"),
        (NET + "[route]\nlayers=-1\n" + REGION, "layers=-1 reaches layer -1, which is not before it"),
        (NET + CONV + "groups=2\n" + REGION, "groups=2 must divide its 3 channels and 7 filters"),
        (NET + CONV + "[reorg]\nstride=2\n" + REGION, "its square 7 channels"),
        (NET + CONV + "[maxpool]\nsize=2\nstride=2\n[route]\nlayers=-1,-2\n" + REGION, "joins layers of different"),
        (NET + CONV + "[route]\nlayers=0\ngroups=2\n" + REGION, "groups=2 must divide the channels of its inputs"),
        (NET + CONV + "[route]\nlayers=0\ngroup_id=1\n" + REGION, "group_id=1 must be below groups=1"),
        (NET + CONV + "[maxpool]\nsize=2\nstride=2\n[shortcut]\nfrom=0\n" + REGION, "(7, 16, 16), (7, 32, 32)"),
        (NET + CONV + "[shortcut]\nfrom=1\n" + REGION, "[shortcut] from=1 reaches layer 1, which is not before it"),
        (NET + CONV + "[shortcut]\nactivation=linear\n" + REGION, "[shortcut] has no from=; add it"),
        (NET + CONV + "[shortcut]\nfrom=0\nactivation=elu\n" + REGION, "activation=elu is not supported"),
        (NET + CONV + "[upsample]\nstride=-2\n" + REGION, "stride must be at least 1, not -2"),
        (NET + CONV + "[dropout]\nprobability=1\n" + REGION, "probability must be at least 0 and below 1, not 1"),
        (NET + CONV + "[dropout]\ndropblock=1\n" + REGION, "option dropblock= of [dropout] is not supported"),
        (NET + CONV + "[softmax]\n", "takes one row and one column, not (32, 32); put an [avgpool] before it"),
        (NET + CONV + "[avgpool]\n[softmax]\ngroups=7\n", "[softmax] groups must be 1, not 7"),
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
