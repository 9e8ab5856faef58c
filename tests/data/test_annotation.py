"""VOC's annotations, and what is said of bad ones."""

import re
from pathlib import Path

import numpy as np
import pytest

from lightning_app.data import VOC_CLASSES, read_annotation
from lightning_app.errors import DataError

GOOD = (
    "<annotation><size><width>80</width><height>60</height></size><object><name>dog</name><difficult>0</difficult>"
    "<bndbox><xmin>11</xmin><ymin>7</ymin><xmax>41</xmax><ymax>37</ymax></bndbox></object></annotation>"
)
BOMB = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "aaaa"><!ENTITY y "&x;&x;">]>' + GOOD.replace("dog", "&y;")


def test_there_are_twenty_classes_in_alphabetical_order() -> None:
    assert len(VOC_CLASSES) == 20
    assert list(VOC_CLASSES) == sorted(VOC_CLASSES)


def test_an_annotation_is_read_as_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_text(GOOD.replace("<difficult>0", "<difficult>1").replace("11", "11.5"))
    annotation = read_annotation(path)
    assert annotation.boxes.tolist() == [[11.5, 7, 41, 37]]
    assert annotation.boxes.dtype == np.float32
    assert annotation.labels.tolist() == [VOC_CLASSES.index("dog")]
    assert annotation.difficult.tolist() == [True]
    assert (annotation.width, annotation.height) == (80, 60)


def test_an_annotation_without_objects_has_empty_arrays(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_text(re.sub("<object>.*</object>", "", GOOD))
    annotation = read_annotation(path)
    assert annotation.boxes.shape == (0, 4)
    assert annotation.labels.shape == annotation.difficult.shape == (0,)


def test_the_parts_of_an_object_are_not_objects(tmp_path: Path) -> None:
    part = "<part><name>head</name><bndbox><xmin>1</xmin></bndbox></part>"
    path = tmp_path / "a.xml"
    path.write_text(GOOD.replace("<object>", f"<object>{part}"))
    assert read_annotation(path).boxes.tolist() == [[11, 7, 41, 37]]


CLASS_ONLY = "<object><name>{}</name></object>"


def test_objects_without_boxes_are_classes_that_are_in_the_picture(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_text(re.sub("<object>.*</object>", CLASS_ONLY.format("sofa") + CLASS_ONLY.format("cat"), GOOD))
    annotation = read_annotation(path)
    assert annotation.class_only.tolist() == [VOC_CLASSES.index("sofa"), VOC_CLASSES.index("cat")]
    assert annotation.class_only.dtype == np.int64
    assert annotation.boxes.shape == (0, 4)
    assert annotation.labels.shape == annotation.difficult.shape == (0,)
    path.write_text(GOOD)
    assert read_annotation(path).class_only.shape == (0,)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            GOOD.replace("</object>", "</object>" + CLASS_ONLY.format("cat")),
            "1 of its 2 objects have no <bndbox>",
        ),
        (re.sub("<bndbox>.*</bndbox>", "", GOOD).replace(">0<", ">1<"), "without <bndbox> is marked difficult"),
        (re.sub("<bndbox>.*</bndbox>", "<bndbox/>", GOOD), "<object> has no <bndbox/xmin>"),
        (GOOD[:-8], "cannot be read"),
        ("", "cannot be read"),
        (BOMB, "declares entities"),
        (GOOD.replace("<name>dog</name>", ""), "<object> has no <name>"),
        (GOOD.replace("<width>80</width>", ""), "<annotation> has no <size/width>; `dfc data convert` makes a devkit"),
        (GOOD.replace("<xmax>41</xmax>", ""), "<object> has no <bndbox/xmax>"),
        (GOOD.replace("41", "wide"), "<bndbox/xmax> is 'wide', and must be a number"),
        (GOOD.replace("41", "nan"), "must be finite"),
        (GOOD.replace("41", "5"), "the box 11 7 5 37 ends before it begins"),
        (GOOD.replace("dog", "wolf"), "the class 'wolf' is not among aeroplane"),
        (GOOD.replace(">80<", ">0<"), "must be at least one pixel"),
    ],
)
def test_a_bad_annotation_is_one_sentence_with_its_path(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "000001.xml"
    path.write_text(text)
    with pytest.raises(DataError, match=re.escape(why)) as caught:
        read_annotation(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_absent_annotation_is_one_sentence_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"the annotation .*000001\.xml is not there"):
        read_annotation(tmp_path / "000001.xml")
