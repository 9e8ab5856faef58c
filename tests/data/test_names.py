"""The names of classes, from the files that Darknet's users have."""

import re
from pathlib import Path

import pytest

from lightning_app.data import VOCDataModule, read_names
from lightning_app.errors import DataError


def test_names_stand_one_a_line(tmp_path: Path) -> None:
    path = tmp_path / "coco.names"
    path.write_text("person\ntraffic light\n\n")
    assert read_names(path) == ("person", "traffic light")
    assert VOCDataModule("absent", classes=str(path)).classes == ("person", "traffic light")


def test_the_names_of_a_tree_are_those_of_its_nodes(tmp_path: Path) -> None:
    path = tmp_path / "9k.tree"
    path.write_text("n00002137 -1\nn00004475 0\nn00001740 0\n")
    assert read_names(path) == ("n00002137", "n00004475", "n00001740")


def test_the_names_of_a_data_yaml_are_its_names(tmp_path: Path) -> None:
    path = tmp_path / "data.yaml"
    path.write_text("train: images/train\nnames: [person, 'traffic light']\nnc: 2\n")
    assert read_names(path) == ("person", "traffic light")
    assert VOCDataModule("absent", classes=str(path)).classes == ("person", "traffic light")


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("own.yaml", "train: images/train\n", "own.yaml has no names: give a data.yaml with names, or a file with one"),
        ("obj.data", "names = obj.names\n", "obj.data names files and no classes: give the file that it has as names="),
        ("gone.yaml", None, "gone.yaml cannot be read as names of classes, one per line: No such file"),
    ],
)
def test_a_file_of_other_things_than_names_is_told(
    tmp_path: Path, name: str, content: str | None, sentence: str
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=re.escape(sentence)):
        read_names(tmp_path / name)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "a.names names no class: it must name at least one, one per line"),
        (b"cat\ndog\ncat\n", "a.names names the class 'cat' 2 times: name each class once"),
        (b"cat\nth\xe9\n", "one per line: line 2 is no text in UTF-8: save the file as UTF-8"),
        ("cat\n".encode("utf-16"), "one per line: it is text in UTF-16: save it as UTF-8"),
    ],
)
def test_a_file_that_names_no_class_or_one_twice_or_is_no_text_is_refused(
    tmp_path: Path, content: bytes, sentence: str
) -> None:
    (tmp_path / "a.names").write_bytes(content)
    with pytest.raises(DataError) as error:
        read_names(tmp_path / "a.names")
    assert str(error.value).endswith(sentence)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"absent\.names cannot be read as names of classes"):
        read_names(tmp_path / "absent.names")
