"""``dfc data adapt``: a network for one's own classes, anchors for its boxes, and trained layers before its heads."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from lightning_app.darknet import Network, load_weights, save_weights

Dfc = Callable[..., tuple[int, str, str]]
WriteDevkit = Callable[..., Path]
LITE = Path("configs/networks/yolo-lite.cfg")


@pytest.fixture
def names(workplace: Path) -> Path:
    (workplace / "my.names").write_text("cat\ndog\n")
    return Path("my.names")


@pytest.fixture
def random_weights(workplace: Path) -> Callable[[Path], Path]:
    """Write other weights of a network than those that it begins with."""

    def write(cfg: Path) -> Path:
        network = Network.from_cfg(cfg, seed=7)
        network.seen = 12_345
        save_weights(network, workplace / "random.weights")
        return Path("random.weights")

    return write


def adapt(dfc: Dfc, names: Path, *options: str | Path) -> tuple[int, str, str]:
    return dfc("data", "adapt", "--network", LITE, "--classes", names, "-o", "mine.cfg", *options)


def test_without_a_devkit_the_anchors_stay(dfc: Dfc, names: Path) -> None:
    status, out, err = adapt(dfc, names)
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        "mine.cfg: 2 class(es), the anchors of yolo-lite.cfg",
        "Next: dfc fit -c configs/own.yaml --data.root VOCdevkit --data.classes my.names --model.network mine.cfg",
    ]
    network = Network.from_cfg("mine.cfg")
    assert network.classes == 2
    assert network.heads[0].anchors == Network.from_cfg(LITE).heads[0].anchors


def test_anchors_are_those_of_the_training_boxes(dfc: Dfc, names: Path, write_devkit: WriteDevkit) -> None:
    root = write_devkit(6)  # a dog of 30×30 in 80×60; the cat is difficult
    for name in ("000005", "000006"):
        path = root / f"VOC2007/Annotations/{name}.xml"
        path.write_text(path.read_text().replace("<xmax>41", "<xmax>71"))
    (root / "VOC2007/ImageSets/Main/trainval.txt").write_text("000001\n000005\n")
    (root / "VOC2007/ImageSets/Main/train.txt").write_text("000002\n")  # a part of trainval
    status, out, err = adapt(dfc, names, root)
    assert (status, err) == (0, "")
    assert "5 anchors by k-means over 2 training boxes, mean IoU 1.000" in out
    anchors = Network.from_cfg("mine.cfg").heads[0].anchors
    assert sorted(set(anchors)) == [
        pytest.approx((7 * 30 / 80, 7 * 30 / 60), rel=1e-3), pytest.approx((7 * 60 / 80, 7 * 30 / 60), rel=1e-3),
    ]  # fmt: skip


def test_a_class_that_no_training_box_has_is_said(dfc: Dfc, names: Path, write_devkit: WriteDevkit) -> None:
    """As where its name is misspelt in the file of names: all cats are difficult, and no doog is there."""
    names.write_text("cat\ndoog\ndog\n")
    status, out, err = adapt(dfc, names, write_devkit(6))
    assert (status, err) == (0, "")
    assert "mean IoU 1.000; no training box is of cat, doog\n" in out


def test_the_trained_layers_before_the_head_are_taken_over(
    dfc: Dfc, names: Path, random_weights: Callable[[Path], Path]
) -> None:
    source = random_weights(LITE)
    status, out, err = adapt(dfc, names, "--weights", source)
    assert (status, err) == (0, "")
    assert f"mine.weights: the layers of {source.name} before layer 11; the others begin at random" in out
    assert out.endswith("--model.network mine.cfg --model.weights mine.weights\n")
    old, new = Network.from_cfg(LITE), Network.from_cfg("mine.cfg")
    load_weights(old, source)
    assert load_weights(new, "mine.weights") == ["conv_11"]
    assert new.seen == 0
    for name, tensor in new.state_dict().items():
        assert name.startswith("layers.conv_11") or torch.equal(old.state_dict()[name], tensor), name


def test_of_two_heads_the_layers_before_the_first_are_taken(
    dfc: Dfc, names: Path, random_weights: Callable[[Path], Path]
) -> None:
    network = Path("configs/networks/yolov3-tiny-voc.cfg")
    options = ("--network", network, "--weights", random_weights(network))
    status, _, err = adapt(dfc, names, *options)
    assert (status, err) == (0, "")
    new = Network.from_cfg("mine.cfg")
    assert load_weights(new, "mine.weights") == [f"conv_{i}" for i in (15, 18, 21, 22)]


def test_a_backbone_alone_is_taken_as_far_as_it_goes(
    dfc: Dfc, names: Path, random_weights: Callable[[Path], Path]
) -> None:
    part = ("weights", "convert", random_weights(LITE), "part.weights", "--network", LITE, "--upto", "4")
    assert dfc(*part)[0] == 0
    status, out, err = adapt(dfc, names, "--weights", "part.weights")
    assert (status, err) == (0, "")
    assert "mine.weights: the layers of part.weights before layer 4" in out
    assert Path("mine.weights").read_bytes()[20:] == Path("part.weights").read_bytes()[20:]


@pytest.mark.parametrize("there", ["mine.cfg", "mine.weights"])
def test_a_file_that_is_there_is_not_overwritten_and_nothing_else_is_left(
    dfc: Dfc, names: Path, random_weights: Callable[[Path], Path], there: str
) -> None:
    source = random_weights(LITE)
    Path(there).write_text("mine")
    status, _, err = adapt(dfc, names, "--weights", source)
    assert status == 2
    assert f"{there} is already there and is not overwritten" in err
    assert Path(there).read_text() == "mine"
    assert [path.name for path in Path().glob("mine*")] == [there]


def test_what_cannot_be_is_one_sentence(dfc: Dfc, names: Path, write_devkit: WriteDevkit) -> None:
    root = write_devkit(1)
    names.write_text("bird\n")
    status, _, err = adapt(dfc, names, root)
    assert (status, err) == (2, f"dfc: {root} has no box of bird in VOC2007/trainval: check the names\n")
    (root / "VOC2007/ImageSets/Main/trainval.txt").rename(root / "VOC2007/ImageSets/Main/val.txt")
    status, _, err = adapt(dfc, names, root)
    assert status == 2
    assert "has VOC2007/test, VOC2007/val, and anchors are found on a set named train or trainval" in err
    status, _, err = adapt(dfc, names, "-o", "mine.txt")
    assert (status, err) == (2, "dfc: -o mine.txt must end in .cfg: mine.cfg\n")
