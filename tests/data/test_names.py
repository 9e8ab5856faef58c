"""The names of classes, from the files that Darknet's users have."""

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
