"""Annotations and lists of pictures: what cannot be is refused by name, and the rest lies inside the picture."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lightning_app.data import VOCDataset
from lightning_app.errors import DataError

Mutate = Callable[[np.random.Generator, bytes], bytes]
forms = pytest.mark.parametrize(
    "count", [150, pytest.param(2000, marks=[pytest.mark.soak, pytest.mark.slow, pytest.mark.timeout(7200)])]
)
OBJECT = (
    "<object>\n<name>{}</name>\n<difficult>{}</difficult>\n<bndbox>\n<xmin>{}</xmin>\n<ymin>{}</ymin>\n"
    "<xmax>{}</xmax>\n<ymax>{}</ymax>\n</bndbox>\n</object>\n"
)
HEAD = "<annotation>\n<size>\n<width>80</width>\n<height>60</height>\n<depth>3</depth>\n</size>\n"
NAME = "VOC2007/Annotations/000001.xml"


def annotation(*objects: str) -> bytes:
    return (HEAD + "".join(objects) + "</annotation>\n").encode()


DOG = OBJECT.format("dog", 0, 11, 7, 41, 37)
SOUND = [
    annotation(DOG, OBJECT.format("cat", 1, 41, 31, 61, 51)),
    annotation(),
    annotation(OBJECT.format("person", 0, "1.5", 1, 80, "59.25")),
    annotation("<object><name>sofa</name></object>"),
]


@pytest.fixture
def devkit(tmp_path: Path) -> Path:
    year = tmp_path / "VOC2007"
    for part in ("JPEGImages", "Annotations", "ImageSets/Main"):
        (year / part).mkdir(parents=True)
    (year / "ImageSets/Main/test.txt").write_text("000001\n")
    Image.linear_gradient("L").resize((80, 60)).save(year / "JPEGImages/000001.jpg")
    return tmp_path


@forms
def test_a_changed_annotation_is_refused_by_name_or_has_its_boxes_in_the_picture(
    fuzz: Any, devkit: Path, textwise: Mutate, count: int
) -> None:
    reports = fuzz.mutated("annotation", SOUND, NAME, count, textwise)
    assert {report.outcome for report in reports} == {"fine", "refused"}


LAUGHS = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 20))


@pytest.mark.parametrize(
    ("xml", "sentence"),
    [
        (f'<!DOCTYPE a [<!ENTITY l0 "ha">{LAUGHS}]><annotation>&l19;</annotation>', "declares entities"),
        ('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><annotation>&x;</annotation>', "declares entities"),
        ("<annotation>" + "<a>" * 200_000, "it cannot be read"),
        (HEAD + DOG.replace(">41<", ">1e300<") + "</annotation>", "<bndbox/xmax> is '1e300', and must be finite and"),
        (
            HEAD + OBJECT.format("dog", 0, 81, 7, 90, 37) + "</annotation>",
            "the box 81 7 90 37 has no part in its 80×60",
        ),
        (HEAD + OBJECT.format("dog", 0, -9, 7, 0, 37) + "</annotation>", "the box -9 7 0 37 has no part in its 80×60"),
        (HEAD + OBJECT.format("dog", 0, 9, 7, 5, 37) + "</annotation>", "the box 9 7 5 37 ends before it begins"),
    ],
)
def test_what_no_annotation_says_is_refused(fuzz: Any, devkit: Path, xml: str, sentence: str) -> None:
    report = fuzz.open("annotation", xml.encode(), NAME)
    assert report.outcome == "refused"
    assert "000001.xml is no usable VOC annotation" in report.said
    assert sentence in report.said


def test_a_box_that_leaves_the_picture_is_cut_for_the_loss_and_kept_for_the_metric(devkit: Path) -> None:
    (devkit / NAME).write_bytes(annotation(OBJECT.format("dog", 0, -19, 7, 101, 37)))
    target = VOCDataset(devkit, ["VOC2007/test"], (64, 64))[0]["target"]
    assert target["voc_boxes"].tolist() == [[-19, 7, 101, 37]]
    assert target["boxes"].tolist() == [[0.5, pytest.approx(21 / 60), 1, 0.5]]


@pytest.mark.parametrize("name", ["../../secret", "/etc/passwd", "a/b", ".."])
def test_a_list_names_no_file_outside_the_devkits_folders(fuzz: Any, devkit: Path, name: str) -> None:
    report = fuzz.open("image_set", f"000001\n{name}\n".encode(), "VOC2007/ImageSets/Main/test.txt")
    assert report.outcome == "refused"
    assert f"test.txt lists {name!r}, which names no file inside the devkit's folders" in report.said
    with pytest.raises(DataError, match=re.escape("names no file inside")):
        VOCDataset(devkit, ["VOC2007/test"], (64, 64))


@pytest.mark.parametrize("data", [b"000001\na\0b\n", b"th\xe9\n", "000001\n".encode("utf-16")])
def test_a_list_that_is_no_text_is_refused_as_such(fuzz: Any, devkit: Path, data: bytes) -> None:
    report = fuzz.open("image_set", data, "VOC2007/ImageSets/Main/test.txt")
    assert report.outcome == "refused"
    assert "test.txt cannot be read as a list of pictures: " in report.said


@forms
def test_changed_lists_and_names_are_refused_by_name_or_stay_inside(
    fuzz: Any, devkit: Path, textwise: Mutate, count: int
) -> None:
    lists = [b"000001\n000002\n000003\n", b"000001  1\n000002 -1\n"]
    reports = [
        *fuzz.mutated("image_set", lists, "VOC2007/ImageSets/Main/test.txt", count // 4, textwise),
        *fuzz.mutated("names", [b"cat\ndog\nhorse\n"], "my.names", count // 4, textwise),
        *fuzz.mutated("names", [b"animal -1\ncat 0\ndog 0\nthing -1\n"], "my.tree", count // 4, textwise),
    ]
    assert {report.outcome for report in reports} == {"fine", "refused"}
