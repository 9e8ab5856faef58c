"""``dfc data convert`` where something is wrong: it says what, where, and what to do, and leaves nothing behind."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lightning_app.data.devkit import read_set
from lightning_app.errors import DataError
from tests.data.conversion.mugs import (
    HEIGHT,
    MARKS,
    NAMES,
    WIDTH,
    coco,
    contents,
    picture,
    voc,
    write_voc,
    write_yolo,
)

Convert = Callable[..., tuple[int, str, str]]
Refused = Callable[..., str]


def test_all_lines_that_are_no_object_are_named_at_once(convert: Convert, flat: Path) -> None:
    write_yolo(flat)
    (flat / "labels/3.txt").write_text("1 0.5 0.5 0.2\n")
    (flat / "labels/4.txt").write_text("1 0.5 0.5 0.2 0.2\n1 412 300 20 20\n")
    (flat / "labels/mug_2.txt").write_text("2 0.5 0.5 0.2 0.2\n")
    (flat / "images/my mug 0.PNG").write_text("no picture")
    status, out, err = convert(flat)
    assert status == 2
    assert "my/labels/3.txt:1: an object is `class x y width height`, five numbers, not 4" in out
    assert "my/labels/4.txt:2: the numbers behind the class must be fractions of the picture, from 0 to 1" in out
    assert "my/labels/mug_2.txt:1: class 2 has no name, there are 2: give them all as --classes FILE" in out
    assert "my/images/my mug 0.PNG cannot be read as a picture" in out
    assert err == "dfc: 4 problem(s) of my, listed above: mend them, or take the pictures out of it\n"
    assert not Path("own").exists()
    assert not list(Path().glob(".devkit-*"))


def test_all_xml_files_that_cannot_be_read_are_named_by_their_own_paths(convert: Convert, flat: Path) -> None:
    write_voc(flat)
    torn, nameless = (sorted(flat.rglob("*.xml"))[place] for place in (0, 1))
    torn.write_text("<annotation><object>")
    nameless.write_text("<annotation><object/></annotation>")
    status, out, err = convert(flat)
    assert status == 2
    assert f"{torn} is no usable VOC annotation: it cannot be read" in out
    assert f"{nameless} is no usable VOC annotation: <object> has no <name>" in out
    assert err == "dfc: 2 problem(s) of my, listed above: mend them, or take the pictures out of it\n"
    assert not Path("own").exists()


def test_a_picture_cut_short_is_named_after_all_is_written(convert: Convert, flat: Path) -> None:
    write_voc(flat)
    path = flat / "images/4.jpeg"
    path.write_bytes(path.read_bytes()[:-400])
    status, out, err = convert(flat)
    assert status == 2
    assert "own/Own/JPEGImages/4.jpeg cannot be read as a picture" in out
    assert err.startswith("dfc: own has 1 problem(s), listed above")


def test_what_cannot_be_is_one_sentence(refused: Refused, flat: Path) -> None:
    assert "my has no annotations of my's pictures: neither VOC's .xml" in refused(flat)
    write_voc(flat)
    assert "--train_share must be between 0 and 1, the share of the pictures to train on, not 80.0" in refused(
        flat, "--train_share", "80"
    )
    assert "--weights are those of --network: give both" in refused(flat, "--weights", "x.weights")
    Path("my.names").write_text("mug\n")
    assert "--classes names the numbers of YOLO text, and there is none" in refused(flat, "--classes", "my.names")
    assert "there is not there" in refused(flat, "--annotations", "there")
    Path("own").mkdir()
    Path("own/mine").touch()
    assert "own is already there and is not overwritten" in refused(flat)
    shutil.rmtree("own")
    picture(flat / "4.png")
    assert "my has 4.png and images/4.jpeg, which would have one name: rename or remove one" in refused(flat)
    assert not Path("own").exists()


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda r: r["annotations"][0].pop("bbox"), "annotation 1 has no bbox"),
        (
            lambda r: r["annotations"][0].update(bbox=[1, 2, 3]),
            "annotation 1 has the bbox [1, 2, 3], which must be four",
        ),
        (
            lambda r: r["annotations"][0].update(bbox="1,2,3,4"),
            "annotation 1 has the bbox '1,2,3,4', which must be four",
        ),
        (
            lambda r: r["annotations"][0].update(image_id=[1]),
            "annotation 1 has the image_id [1], which must be a number",
        ),
        (lambda r: r["annotations"][0].pop("category_id"), "annotation 1 has no category_id"),
        (lambda r: r["images"][0].update(id=1), "two of its images have the id 1: give each its own"),
        (lambda r: r["images"][0].update(width="wide"), "image 0 has the width 'wide', which must be finite numbers"),
        (lambda r: r["categories"][0].update(id=3), "two of its categories have the id 3: give each its own"),
        (lambda r: r["categories"][0].update(name=" "), "category 7 has an empty name"),
        (lambda r: r["categories"][0].update(name=None), "category 7 has no name"),
        (lambda r: r["annotations"][0].update(image_id=99), "annotation 1 is of image 99, which is not listed"),
        (lambda r: r["annotations"][0].update(category_id=99), "annotation 1 is of category 99, which is not listed"),
        (
            lambda r: r["annotations"][0].update(bbox=[1, 2, float("nan"), 3]),
            "annotation 1 has the bbox [1, 2, nan, 3], which must be finite numbers",
        ),
        (lambda r: r["images"][0].pop("file_name"), "image 0 has no file_name"),
        (lambda r: r["images"].append(5), "image number 6 is 5 and no object"),
    ],
)
def test_a_coco_json_that_lacks_something_is_one_sentence(
    refused: Refused, flat: Path, spoil: Callable[[dict[str, Any]], object], why: str
) -> None:
    record = coco(MARKS)
    spoil(record)
    (flat / "all.json").write_text(json.dumps(record))
    err = refused(flat)
    assert "all.json is no COCO JSON of detections" in err
    assert why in err


def test_names_of_yolos_classes_are_asked_for_where_there_are_none(
    convert: Convert, refused: Refused, flat: Path
) -> None:
    write_yolo(flat)
    (flat / "labels/classes.txt").unlink()
    assert "my has no data.yaml: give a file with the names of the classes, one per line in the order" in refused(flat)
    Path("my.names").write_text("tea pot\nmug\n")
    assert convert(flat, "--classes", "my.names")[0] == 0
    assert {boxes[0][0] for boxes in contents(Path("own")).values()} == {"mug"}


def test_a_stated_size_that_is_not_the_pictures_is_found(convert: Convert, flat: Path) -> None:
    record = coco(MARKS)
    record["images"][0] |= {"width": HEIGHT, "height": WIDTH}  # as after a turn by EXIF
    (flat / "all.json").write_text(json.dumps(record))
    status, out, _ = convert(flat)
    assert status == 2
    assert "my mug 0.PNG has 90×60 pixels where its annotation says 60×90: its boxes would be wrong" in out


def test_nothing_is_left_where_the_network_cannot_be_adapted(refused: Refused, flat: Path) -> None:
    write_voc(flat)
    err = refused(flat, "--network", "configs/networks/darknet19.cfg")
    assert "darknet19.cfg is no detector" in err
    assert sorted(path.name for path in Path().iterdir()) == ["configs", "my"]


def test_the_devkit_reads_no_name_as_another_one(refused: Refused, workplace: Path) -> None:
    for name in ("a 1.png", "a  1.png"):
        picture(Path("my") / name)
        (Path("my") / name).with_suffix(".xml").write_text(voc(MARKS[NAMES[0]]))
    assert "a  1.png and a 1.png would both be called 'a_1': rename one" in refused("my")
    with pytest.raises(DataError):
        read_set(Path("own"), "Own/train")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b'{"images": [', "it breaks off, or is no JSON: Expecting value: line 1 column 13"),
        (b'{"images": [], "annotations": []}', "it has no list of categories"),
        (b"[{}]", "it has no list of images, annotations, categories"),
        ("{}".encode("utf-16"), "it is text in UTF-16: save it as UTF-8"),
    ],
)
def test_a_json_that_is_no_cocos_is_named_with_the_reason(refused: Refused, flat: Path, text: bytes, why: str) -> None:
    (flat / "all.json").write_bytes(text)
    assert f"(my/all.json is no COCO JSON: {why}" in refused(flat)
    assert f"my/all.json is no COCO JSON of detections: {why}" in refused(flat, "--annotations", "my/all.json")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("names: mug\n", "must have as names a list, such as [cat, dog], or names that are numbered 0, 1, 2"),
        ("names: {0: tea pot, 2: mug}\n", "must have as names a list"),
        ("names: ['', mug]\n", "must have as names a list"),
        ("names: [mug, tea pot, mug]\n", "names the class 'mug' 2 times: name each class once"),
        ("names: [mug, tea pot\n", "cannot be read as YAML: while parsing a flow sequence"),
        ("names: [tea pot, mug]\nkpt_shape: [17, 2]\n", "has kpt_shape: key points are not read; keep the first five"),
    ],
)
def test_names_of_a_data_yaml_that_cannot_be_are_named(refused: Refused, flat: Path, text: str, why: str) -> None:
    write_yolo(flat)
    (flat / "labels/classes.txt").unlink()
    (flat / "data.yaml").write_text(text)
    assert f"my/data.yaml {why}" in refused(flat)


def test_a_name_of_two_lines_is_refused_since_no_list_can_hold_it(refused: Refused, flat: Path) -> None:
    write_voc(flat)
    (flat / "annotations/3.xml").write_text(voc([("mug\ncup", 1, 1, 20, 20)]))
    assert "the annotations name a class 'mug\\ncup': a name must stand on one line" in refused(flat)
    assert not Path("own").exists()


def test_a_link_to_no_picture_and_a_name_in_another_encoding_are_named(refused: Refused, flat: Path) -> None:
    write_voc(flat)
    (flat / "images/3.JPG").unlink()
    (flat / "images/3.JPG").symlink_to("nowhere.jpg")
    assert "my/images/3.JPG cannot be read: No such file or directory; replace it, or take it out" in refused(flat)
    (flat / "images/3.JPG").rename(flat / os.fsdecode(b"images/th\xe9.JPG"))
    assert "the name of the file b'my/images/th\\xe9.JPG' is no text in UTF-8: rename it" in refused(flat)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (voc(MARKS["3.JPG"]).replace("mug", "thé").encode("latin-1"), "; line 1 is no text in UTF-8: save the file as"),
        (b"version https://git-lfs.github.com/spec/v1\n", "; it is a pointer of Git LFS: fetch the file itself"),
        (
            b"<annotation><size><width>90</width><height>60</height></size><object><name>mug</name><robndbox/></object>"
            b"</annotation>",
            "an object has a <robndbox> and no <bndbox>: give it the box around its robndbox",
        ),
    ],
)
def test_what_an_xml_file_is_instead_is_said(convert: Convert, flat: Path, data: bytes, why: str) -> None:
    write_voc(flat)
    (flat / "annotations/3.xml").write_bytes(data)
    status, out, _ = convert(flat)
    assert status == 2
    assert "my/annotations/3.xml is no usable VOC annotation: " in out
    assert why in out
