"""``dfc data convert``: pictures that are annotated in another way become a devkit, by one command."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lightning_app.data import VOCDataset
from lightning_app.data.devkit import read_set
from tests.data.conversion.mugs import (
    MARKS,
    NAMES,
    coco,
    contents,
    picture,
    write_coco,
    write_voc,
    write_yolo,
)

Dfc = Callable[..., tuple[int, str, str]]
Convert = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize("write", [write_voc, write_yolo, write_coco])
def test_every_kind_of_annotation_gives_the_same_devkit(
    convert: Convert, flat: Path, write: Callable[[Path], None]
) -> None:
    write(flat)
    status, out, err = convert(flat)
    assert (status, err) == (0, "")
    assert "4 pictures to train on and 1 to test on, drawn at random" in out
    names = ("my mug 0", "mug_1", "mug_2", "3", "4")  # the 1 of "mug 1" would be a label of VOC's lists
    expected = {
        f"Own/{name}": [(item[0], [item[1] + 1, item[2] + 1, item[1] + item[3], item[2] + item[4]]) for item in marks]
        for name, marks in zip(names, MARKS.values(), strict=True)
    }
    found = contents(Path("own"))
    assert {name.split(" ", 1)[1]: boxes for name, boxes in found.items()} == expected
    assert Path("own/classes.names").read_text() == "mug\ntea pot\n"
    assert Path("own/Own/JPEGImages/my mug 0.PNG").read_bytes() == (flat / "images/my mug 0.PNG").read_bytes()


def test_the_flat_case_is_a_devkit_by_one_command(convert: Convert, shared: Path) -> None:
    status, out, err = convert(shared / "cases/flat", "--train_share", "0.5")
    assert (status, err) == (0, "")
    assert "3 pictures to train on and 3 to test on" in out
    assert len(contents(Path("own"))) == 6
    assert "Next: dfc data adapt own --network NET.cfg --classes own/classes.names -o own/own.cfg" in out


def test_a_network_is_adapted_by_the_same_command(convert: Convert, flat: Path) -> None:
    write_voc(flat)
    status, out, err = convert(flat, "--network", "configs/networks/yolo-lite.cfg")
    assert (status, err) == (0, "")
    assert "own/own.cfg: 2 class(es), 5 anchors by k-means over 6 training boxes, mean IoU 0." in out or "1.000" in out
    assert out.splitlines()[-1] == (
        "Next: dfc fit -c configs/own.yaml --data.root own --data.classes own/classes.names --model.network own/own.cfg"
    )


def test_the_training_that_is_shown_has_only_those_options_that_the_config_has_not(dfc: Dfc, flat: Path) -> None:
    write_voc(flat)
    network = ("--network", "configs/networks/yolo-lite.cfg")
    status, out, err = dfc("data", "convert", flat, "-o", "data/own", *network)
    assert (status, err) == (0, "")
    assert out.splitlines()[-1] == "Next: dfc fit -c configs/own.yaml"
    shown = "Next: dfc fit -c configs/own.yaml --data.classes mine.names --model.network mine.cfg"
    Path("mine.names").write_text("mug\ntea pot\n")
    assert shown in dfc("data", "adapt", "data/own", *network, "--classes", "mine.names", "-o", "mine.cfg")[1]


@pytest.mark.parametrize(
    ("places", "sets"),
    [
        (("train/images", "valid/images", "test/images"), {"train": 2, "val": 2, "test": 1}),
        (("images/train", "images/val", "images/train"), {"train": 3, "val": 2, "test": 2}),
        (("train2017", "val2017", "val2017"), {"train": 2, "val": 3, "test": 3}),
    ],
)
def test_the_sets_that_folders_tell_are_kept(
    convert: Convert, workplace: Path, places: tuple[str, ...], sets: dict[str, int]
) -> None:
    for i in range(5):
        place = Path("my") / places[i % len(places)]
        picture(place / f"{i}.jpg", i)
        labels = Path("my") / places[i % len(places)].replace("images", "labels")
        labels.mkdir(parents=True, exist_ok=True)
        (labels / f"{i}.txt").write_text("0 0.5 0.5 0.5 0.5\n")
    Path("my/data.yaml").write_text("names: {0: mug}\n")
    status, _, err = convert("my")
    assert (status, err) == (0, "")
    assert {part: len(read_set(Path("own"), f"Own/{part}")) for part in sets} == sets
    assert convert("my", "--train_share", "0.6", output="drawn")[0] == 0
    assert len(read_set(Path("drawn"), "Own/train")) == 3
    assert not Path("drawn/Own/ImageSets/Main/val.txt").exists()


def test_cocos_own_folders_are_read_as_they_are(convert: Convert, workplace: Path) -> None:
    for part, count in (("train2017", 3), ("val2017", 2)):
        marks = {f"{i}.jpg": MARKS[NAMES[i]] for i in range(count)}  # the same names in both
        for i, name in enumerate(marks):
            picture(Path("my") / part / name, 10 * count + i)
        Path("my/annotations").mkdir(exist_ok=True)
        Path(f"my/annotations/instances_{part}.json").write_text(json.dumps(coco(marks)))
    status, _, err = convert("my")
    assert (status, err) == (0, "")
    assert read_set(Path("own"), "Own/train") == [f"Own/train2017-{i}" for i in range(3)]
    assert read_set(Path("own"), "Own/val") == read_set(Path("own"), "Own/test") == ["Own/val2017-0", "Own/val2017-1"]


def test_one_of_several_annotations_can_be_named(convert: Convert, flat: Path) -> None:
    write_voc(flat)
    write_coco(flat)
    status, _, err = convert(flat)
    assert status == 2
    assert "my has annotations of more than one kind, all.json, the .xml files: keep one, or give one as" in err
    assert convert(flat, "--annotations", "my/all.json", output="a")[0] == 0
    assert convert(flat, "--annotations", "my/annotations", output="b")[0] == 0
    assert contents(Path("a")) == contents(Path("b"))


def test_a_crowd_is_difficult_and_a_box_of_a_pixel_is_left_out_and_both_are_cut_to_the_picture(
    convert: Convert, flat: Path
) -> None:
    record = coco(MARKS)
    boxes = record["annotations"]
    boxes[0] |= {"iscrowd": 1, "bbox": [-2.5, 3, 30.25, 70]}
    boxes[1]["bbox"] = [20, 20, 1, 30]
    (flat / "all.json").write_text(json.dumps(record))
    status, out, err = convert(flat)
    assert (status, err) == (0, "")
    assert "1 box(es) lie outside their picture, or are no wider or no higher there than a pixel, and are left" in out
    data = VOCDataset("own", ["Own/train", "Own/test"], (32, 32), ("mug", "tea pot"))
    by_name = {name: data.annotation(index) for index, name in enumerate(data.ids)}
    assert by_name["Own/my mug 0"].boxes.tolist() == [[1, 4, 27.75, 60]]
    assert by_name["Own/my mug 0"].difficult.tolist() == [True]
    assert by_name["Own/mug_1"].labels.tolist() == [1]


def test_of_yolos_polygons_the_box_around_is_taken(convert: Convert, flat: Path) -> None:
    write_yolo(flat)
    (flat / "labels/4.txt").write_text("1 0.1 0.5 0.3 0.25 0.5 0.75\n")
    assert convert(flat)[0] == 0
    found = {name.split(" ", 1)[1]: boxes for name, boxes in contents(Path("own")).items()}
    assert found["Own/4"] == [("mug", [10, 16, 45, 45])]


def test_pictures_without_an_annotation_are_said(convert: Convert, flat: Path) -> None:
    write_voc(flat)
    (flat / "annotations/3.xml").rename(flat / "annotations/33.xml")
    status, out, err = convert(flat)
    assert (status, err) == (0, "")
    assert "1 picture(s) have no .xml file and are left out; the first is images/3.JPG" in out
    assert "1 .xml file(s) have no picture and are left out; the first is annotations/33.xml" in out
    shutil.rmtree(flat / "annotations")
    write_yolo(flat)
    (flat / "labels/3.txt").unlink()
    status, out, err = convert(flat, output="yolo")
    assert (status, err) == (0, "")
    assert "1 picture(s) have no .txt file: they show no object; the first is images/3.JPG" in out
    assert {name.split(" ", 1)[1]: len(boxes) for name, boxes in contents(Path("yolo")).items()}["Own/3"] == 0
