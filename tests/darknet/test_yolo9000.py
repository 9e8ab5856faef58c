"""YOLO9000 as it is published: names by position, some of them twice, and a map that decides training only."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from lightning_app.darknet import Network, WordTree, read_detector, save_weights, use_class_map
from lightning_app.data.annotation import read_annotation
from lightning_app.errors import DataError, OptionError
from lightning_app.identity import model_id

Dfc = Callable[..., tuple[int, str, str]]
CFG = """
[net]
width=64
height=64
channels=3
[convolutional]
filters=8
size=3
stride=2
pad=1
activation=leaky
[convolutional]
filters=22
size=1
activation=linear
[region]
anchors=1,2, 3,4
classes=6
num=2
softmax=1
tree=small.tree
"""
MAP = "2\n4\n0\n"  # crane, the other crane, thing


@pytest.fixture
def folder(shared: Path, workplace: Path) -> Path:
    """The tree and the names of the case, the networks with ``map=`` and without, and weights that see cranes."""
    case = shared / "cases/tree-with-a-repeated-name"
    for name in ("small.tree", "small.names"):
        (workplace / name).write_text((case / name).read_text())
    (workplace / "plain.cfg").write_text(CFG)
    (workplace / "mapped.cfg").write_text(CFG + "map=data/coco9k.map\n")
    (workplace / "coco.map").write_text(MAP)
    network = Network.from_cfg(workplace / "plain.cfg")
    bias = dict(network.named_parameters())["layers.conv_1.conv.bias"]
    with torch.no_grad():
        # Sure anchors: of thing (n1) and then of n3 in anchor 0, of animal (n2) and then of n5 in anchor 1.
        bias.copy_(torch.tensor([0, 0, 0, 0, 4, 9, 0, 9, 0, 0, 0, 0, 0, 0, 0, 4, 0, 9, 0, 0, 9, 0]))
    save_weights(network, workplace / "w.weights")
    return workplace


def test_the_map_of_the_cfg_leaves_the_network_as_it_is_and_one_sentence_tells_of_it(folder: Path) -> None:
    plain, mapped = (read_detector(folder / f"{name}.cfg") for name in ("plain", "mapped"))
    assert (mapped.classes, mapped.heads) == (6, plain.heads)
    assert model_id(mapped) == model_id(plain)
    (note,) = mapped.notes
    assert (
        "mapped.cfg names data/coco9k.map for Darknet's training: the network detects the classes of its tree" in note
    )
    assert note.endswith("give --model.class_map data/coco9k.map, or --class_map data/coco9k.map to decode")
    use_class_map(mapped, folder / "coco.map")
    assert mapped.classes == 3
    assert model_id(mapped) == model_id(plain)
    plain.check_teacher(mapped)  # its raw outputs mean the same


def decoded(dfc: Dfc, *options: str | Path) -> set[str]:
    status, _, err = dfc("decode", "x.dfc", "--weights", "w.weights", "--score_threshold", "0.4", *options)
    assert status == 0, err
    return {found["class"] for found in json.loads(Path("x.json").read_text())}


def test_boxes_print_the_names_of_the_names_file_and_both_networks_read_one_container(
    dfc: Dfc, shared: Path, folder: Path
) -> None:
    picture = shared / "cases/own-classes/Blobs/JPEGImages/0.jpg"
    for made_by, read_by in (("plain", "mapped"), ("mapped", "plain")):
        status, _, err = dfc("encode", picture, "-o", "x.dfc", "--network", f"{made_by}.cfg", "--weights", "w.weights",
                             "--channel.split", "conv_0")  # fmt: skip
        assert status == 0, err
        assert decoded(dfc, "--network", f"{read_by}.cfg", "--classes", "small.tree") == {"n3", "n5"}
        assert decoded(dfc, "--network", f"{read_by}.cfg", "--classes", "small.names") == {"crane"}
    Path("coco.names").write_text("bird\nmachine\nobject\n")
    mapped = decoded(dfc, "--network", "mapped.cfg", "--classes", "coco.names", "--class_map", "coco.map")
    assert mapped == {"bird", "machine", "object"}


def test_a_folder_of_pictures_prints_the_names_too(dfc: Dfc, shared: Path, folder: Path) -> None:
    status, out, err = dfc(
        "predict", "-c", "configs/yolo_lite.yaml", "--model.network", "mapped.cfg", "--model.weights", "w.weights",
        "--data", "PicturesDataModule", "--data.root", shared / "cases/own-classes/Blobs/JPEGImages",
        "--data.classes", "small.names", "--data.workers", "0", "--model.score_threshold", "0.4",
        "--trainer.enable_progress_bar", "false", "--trainer.accelerator", "cpu",
    )  # fmt: skip
    assert status == 0, err
    rows = json.loads(Path(out.split("Written to ")[1].strip()).read_text())
    assert {found["class"] for row in rows for found in row["detections"]} == {"crane"}


def test_names_go_by_position_but_keys_in_another_order_are_refused(folder: Path) -> None:
    network = read_detector(folder / "plain.cfg")
    network.check_classes(("thing", "animal", "crane", "lorry", "crane", "heron"))
    network.check_classes(("n1", "n2", "n3", "n4", "n5", "n6"))
    with pytest.raises(OptionError, match="are some of the tree's, in another order"):
        network.check_classes(("n2", "n1", "n3", "n4", "n5", "n6"))
    with pytest.raises(OptionError, match="the data has 5 classes and the network 6"):
        network.check_classes(("thing", "animal", "crane", "lorry", "crane"))


def test_a_network_without_a_tree_has_each_name_once(shared: Path) -> None:
    network = read_detector(shared / "cases/cfg/shortcut-of-16-and-8.cfg")
    network.heads = tuple(type(head)(**{**vars(head), "classes": 2}) for head in network.heads)
    with pytest.raises(OptionError, match="the class crane is named twice: name each class once"):
        network.check_classes(("crane", "crane"))


def test_an_annotation_by_a_name_of_two_classes_is_refused(shared: Path, tmp_path: Path) -> None:
    source = (shared / "cases/own-classes/Blobs/Annotations/0.xml").read_text()
    path = tmp_path / "0.xml"
    path.write_text(source.replace("round", "crane"))
    names = tuple((shared / "cases/tree-with-a-repeated-name/small.names").read_text().split())
    sentence = "'crane' is the name of class 3 and of class 5: name each class once, or give the keys of the .tree"
    with pytest.raises(DataError, match=re.escape(sentence)):
        read_annotation(path, names)
    path.write_text(source.replace("round", "heron"))
    assert read_annotation(path, names).labels.tolist() == [5]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("0\n6\n", "a.map:2: expected a class of the tree, 0 to 5, not '6'"),
        ("dog\n", "a.map:1: expected a class of the tree, 0 to 5, not 'dog'"),
        ("\n", "a.map is empty; a map has a class of the tree on each line"),
    ],
)
def test_a_wrong_map_is_refused_by_its_line(folder: Path, text: str, sentence: str) -> None:
    (folder / "a.map").write_text(text)
    with pytest.raises(DataError, match=re.escape(sentence)):
        use_class_map(read_detector(folder / "plain.cfg"), folder / "a.map")


def test_a_map_needs_a_tree_and_a_file(dfc: Dfc, shared: Path, folder: Path) -> None:
    with pytest.raises(OptionError, match="the network has none: leave out coco"):
        use_class_map(read_detector(shared / "cases/cfg/plain.cfg"), Path("coco.map"))
    status, _, err = dfc("decode", "x.dfc", "--network", "plain.cfg", "--weights", "w.weights", "--class_map", "no.map")
    assert (status, err) == (2, "dfc: no.map cannot be read as a map of classes: No such file or directory\n")


def test_the_tree_of_the_case_is_a_tree(shared: Path) -> None:
    tree = WordTree.read(shared / "cases/tree-with-a-repeated-name/small.tree")
    assert tree.parents == (-1, -1, 0, 0, 1, 1)
