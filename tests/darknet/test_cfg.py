"""Reading .cfg files: what is understood, and what is refused in one sentence with its line."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

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
    plain = Network.from_cfg(cfg(NET + CONV + REGION))
    assert network.nodes == plain.nodes
    assert network.architecture == plain.architecture
    assert network.notes == ()


@pytest.mark.parametrize("case", ["yolo", "convolutional", "net"])
def test_options_of_training_that_few_files_have_are_read_over_and_said_once(shared: Path, case: str) -> None:
    folder = shared / "cases/cfg"
    plain, network = (Network.from_cfg(folder / f"{name}.cfg") for name in ("plain", f"training-keys-in-{case}"))
    assert network.architecture == plain.architecture
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), plain.parameters(), strict=True))
    (note,) = network.notes
    named = {
        "yolo": "counters_per_class of [yolo], label_smooth_eps of [yolo], max_delta of [yolo], objectness_smooth of",
        "convolutional": "stopbackward of [convolutional]",
        "net": "ema_alpha of [net], max_chart_loss of [net], seen of [net]",
    }[case]
    assert f"{case}.cfg: options that only Darknet's training reads change nothing here: {named}" in note


@pytest.mark.parametrize("case", ["batch-twice", "comment-in-latin-1"])
def test_a_first_value_counts_and_comments_are_in_any_encoding(shared: Path, case: str) -> None:
    folder = shared / "cases/cfg"
    plain, network = (Network.from_cfg(folder / f"{name}.cfg") for name in ("plain", case))
    assert (network.architecture, network.notes) == (plain.architecture, ())


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gbk"])
def test_a_byte_order_mark_and_a_chinese_comment_are_no_part_of_the_network(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "net.cfg"
    path.write_bytes((NET + "# 训练\n" + CONV + REGION).encode(encoding))
    assert read_cfg(path)[0].kind == "net"


def test_letter_box_is_said_since_it_changes_how_a_picture_is_resized(cfg: Callable[[str], Path]) -> None:
    (note,) = Network.from_cfg(cfg(NET + "letter_box=1\n" + CONV + REGION)).notes
    assert note.endswith("net.cfg asks for letter_box: give --data.resize letterbox, or --resize letterbox to encode")
    assert Network.from_cfg(cfg(NET + "letter_box=0\n" + CONV + REGION)).notes == ()


def test_a_shortcut_of_unequal_channels_adds_those_that_both_have(shared: Path) -> None:
    """By hand, as shortcut_cpu does it."""
    network = Network.from_cfg(shared / "cases/cfg/shortcut-of-16-and-8.cfg").eval()
    assert network.node("shortcut_2").shape == (8, 64, 64)
    with torch.no_grad():
        wide, narrow, added = network.tapped(torch.rand(1, 3, 64, 64), (0, 1, 2))
        assert torch.equal(added, narrow + wide[:, :8])
        shortcut = network.layer(network.node("shortcut_2"))
        assert torch.equal(shortcut(wide, narrow), torch.cat([wide[:, :8] + narrow, wide[:, 8:]], dim=1))


def test_six_halvings_of_416_pixels_make_seven_cells_whose_anchors_are_those_of_the_cfg(shared: Path) -> None:
    """A raw 0 is the anchor itself: 8×10 and 24×30 of 416 pixels, though a cell has 59.4."""
    network = Network.from_cfg(shared / "cases/cfg/416-with-six-halvings.cfg")
    assert network.nodes[-1].shape == (12, 7, 7)
    raw = torch.full((1, 12, 7, 7), -20.0)
    raw[0, [0, 1, 2, 3, 6, 7, 8, 9], 3, 3] = 0
    raw[0, [4, 5, 10, 11], 3, 3] = 20
    (found,) = network.detect((raw,), 0.5, 1.0)
    sizes = (found["boxes"][:, 2:] - found["boxes"][:, :2]) * 416
    assert sorted(sizes.tolist()) == [pytest.approx([8, 10], rel=1e-4), pytest.approx([24, 30], rel=1e-4)]
    assert found["boxes"].view(-1, 2, 2).mean(dim=1).tolist() == [pytest.approx([0.5, 0.5])] * 2


def test_an_option_may_be_repeated_with_its_value(cfg: Callable[[str], Path]) -> None:
    """As the published yolo9000.cfg does."""
    sections = read_cfg(cfg("[net]\n# Testing\nbatch=1\n# batch=64\nbatch=1\nwidth=32\n"))
    assert sections[0].options == {"width": "32"}
    assert sections[0].read_over == {"batch": "1"}


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
        (
            NET + CONV.replace("linear", "cosine") + REGION,
            "activation=cosine is not supported; supported are linear, leaky",
        ),
        (
            NET + CONV.replace("linear", "stair") + REGION,
            "net.cfg:6: [convolutional] activation=stair is not supported: it",
        ),
        (NET + CONV + "padding=-1\n" + REGION, "net.cfg:7: [convolutional] padding must be at least 0, not -1"),
        (
            NET + CONV.replace("linear", "linear # no ReLU") + REGION,
            "Darknet reads the comment behind activation=linear as a part of the name, which it does not know then",
        ),
        (NET + CONV.replace("7", "8") + REGION, "needs 7 channels, anchors·(coords + 1 + classes), and is given 8"),
        (NET + CONV.replace("7", "8") + YOLO, "needs 7 channels, anchors·(coords + 1 + classes), and is given 8"),
        (
            NET + CONV,
            "[convolutional] ends the network, which must end with a head, [region], [yolo] or",
        ),
        (NET, "net.cfg:1: [net] ends the network"),
        (NET + CONV + REGION + "[route]\nlayers=0\n", "net.cfg:12: [route] ends the network"),
        (NET + CONV + "[cost]\ntype=sse\n", "[cost] ends the network"),
        (NET + CONV + YOLO + "[route]\nlayers=0\n[avgpool]\n[softmax]\n", "[softmax] ends the network"),
        (NET + CONV + NET, "net.cfg:7: [net] opens a second network; keep one network per file"),
        (NET + CONV + YOLO + CONV + YOLO, "net.cfg:12: [convolutional] takes the output of layer 1, a head"),
        (NET + CONV + YOLO + "[route]\nlayers=0,1\n" + YOLO, "[route] takes the output of layer 1, a head"),
        (
            NET + CONV + YOLO + "[route]\nlayers=0\n" + CONV.replace("7", "8") + YOLO.replace("=2", "=3"),
            "net.cfg:17: [yolo] has 3 classes and an earlier head 2; give all heads the same classes=",
        ),
        (NET + CONV + REGION.replace("num=1", "num=2"), "anchors= has 2 numbers between commas, and num=2 needs 4"),
        (NET + "[route]\nlayers=-1\n" + REGION, "layers=-1 reaches layer -1, which is not before it"),
        (NET + CONV + "groups=2\n" + REGION, "groups=2 must divide its 3 channels and 7 filters"),
        (NET + CONV + "[reorg]\nstride=2\n" + REGION, "its square 7 channels"),
        (NET + CONV + "[maxpool]\nsize=2\nstride=2\n[route]\nlayers=-1,-2\n" + REGION, "joins layers of different"),
        (NET + CONV + "[route]\nlayers=0\ngroups=2\n" + REGION, "groups=2 must divide the channels of its inputs"),
        (NET + CONV + "[route]\nlayers=0\ngroup_id=1\n" + REGION, "group_id=1 must be below groups=1"),
        (
            NET + CONV + "[maxpool]\nsize=2\nstride=2\n[shortcut]\nfrom=0\n" + REGION,
            "different sizes: (7, 16, 16), (7, 32, 32)",
        ),
        (NET + CONV + "[shortcut]\nfrom=1\n" + REGION, "[shortcut] from=1 reaches layer 1, which is not before it"),
        (NET + CONV + "[shortcut]\nactivation=linear\n" + REGION, "[shortcut] has no from=; add it"),
        (NET + CONV + "[shortcut]\nfrom=0\nactivation=cosine\n" + REGION, "activation=cosine is not supported"),
        (NET + CONV + "[upsample]\nstride=-2\n" + REGION, "stride must be at least 1, not -2"),
        (NET + CONV + "[dropout]\nprobability=1\n" + REGION, "probability must be at least 0 and below 1, not 1"),
        (
            NET + CONV + "[connected]\noutput=7\n" + REGION,
            "net.cfg:7: section [connected] is not supported: it takes all",
        ),
        (NET + CONV + "[lstm]\noutput=7\n" + REGION, "section [lstm] is not supported: what it gives depends on the"),
        (
            NET + CONV + "[lrn]\nsize=5\n" + REGION,
            "section [lrn] is not supported: no detector with [region] or [yolo] has",
        ),
        (
            NET + CONV + "coordconv=1\n" + REGION,
            "net.cfg:7: option coordconv= of [convolutional] is not supported: it adds the place",
        ),
        (NET + CONV + "[yolo_bdp]\n" + REGION, "section [yolo_bdp] is not supported: its boxes are of six numbers"),
        (NET + CONV + "[implicit_add]\n" + REGION, "section [implicit_add] is not supported: only networks that are"),
        (
            NET + CONV + "[reorg]\nextra=3\n" + REGION,
            "option extra= of [reorg] is not supported: it gives one vector with",
        ),
        (NET + CONV + "dilation=2\nsize=3\n" + REGION, "[convolutional] dilation=2 needs an odd size= and pad=1"),
        (NET + CONV + "antialiasing=3\n" + REGION, "antialiasing must be 0, 1 or 2, not 3"),
        (NET + CONV + "[maxpool]\nmaxpool_depth=1\nout_channels=8\n" + REGION, "out_channels=8 is more than its 7"),
        (NET + CONV + "[local_avgpool]\nsize=2\npadding=4\n" + REGION, "padding must be below twice size=2"),
        (
            NET + CONV + "[shortcut]\nfrom=0\nweights_type=each\n" + REGION,
            "weights_type=each is not supported; supported",
        ),
        (
            NET + CONV + "[shortcut]\nfrom=0\nweights_type=per_channel\nweights_normalization=l2\n" + REGION,
            "weights_normalization=l2 is not supported; supported are none, relu, avg_relu, softmax",
        ),
        (
            NET + CONV + "[scale_channels]\nfrom=0\n" + REGION,
            "scales a layer of 7×32×32 by one of 7×32×32, which must have one row and one column: 7×1×1",
        ),
        (
            NET + CONV + "[scale_channels]\nfrom=0\nscale_wh=1\n" + REGION,
            "scales a layer of 7×32×32 by one of 7×32×32, which must have one channel: 1×32×32",
        ),
        (
            NET + CONV + "[avgpool]\n[sam]\nfrom=0\n" + REGION,
            "multiplies layers of different shapes: 7×1×1 and 7×32×32",
        ),
        (NET + CONV + "[sam]\nfrom=0\nactivation=mish\n" + REGION, "activation=mish is none that Darknet has here"),
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
    with pytest.raises(CfgError, match=r"absent\.cfg is not there; give a file"):
        Network.from_cfg(tmp_path / "absent.cfg")
