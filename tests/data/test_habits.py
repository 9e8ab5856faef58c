"""Data sets as people have them: other suffixes, spaces in names, byte order marks, polygons."""

import shutil
from pathlib import Path

import pytest

from lightning_app.data import VOCDataset
from lightning_app.data.check import check_picture
from lightning_app.data.devkit import picture_path, read_set
from lightning_app.data.names import read_names
from lightning_app.errors import DataError

SETS = ("VOC2007/trainval", "VOC2007/test")


def dataset(root: Path) -> VOCDataset:
    return VOCDataset(root, SETS, (32, 32), classes=("cat", "dog", "person"))


def test_pictures_may_end_as_any_picture_does_in_small_or_capital_letters(shared: Path) -> None:
    data = dataset(shared / "cases/suffixes")
    assert [data.file(i).name for i in range(4)] == ["a.JPG", "b.jpeg", "c.png", "d.jpg"]
    assert sum(len(data.annotation(i).boxes) for i in range(4)) == 4
    assert all(data.read(i)[1].ndim == 3 for i in range(4))


def test_two_pictures_that_differ_in_their_suffix_alone_are_refused_with_both_names(
    shared: Path, tmp_path: Path
) -> None:
    root = tmp_path / "devkit"
    shutil.copytree(shared / "cases/suffixes", root)
    folder = root / "VOC2007/JPEGImages"
    folder.chmod(0o755)
    shutil.copy(folder / "d.jpg", folder / "d.png")
    with pytest.raises(DataError, match=r"has d\.jpg and d\.png, which differ only in their suffix: keep one of them"):
        dataset(root)


def test_a_picture_that_comes_later_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "VOC2007/JPEGImages"
    assert picture_path(tmp_path, "VOC2007/a") == folder / "a.jpg"
    folder.mkdir(parents=True)
    assert picture_path(tmp_path, "VOC2007/a") == folder / "a.jpg"
    (folder / "a.PNG").touch()
    assert picture_path(tmp_path, "VOC2007/a") == folder / "a.PNG"


def test_names_may_have_spaces(shared: Path) -> None:
    root = shared / "cases/spaces"
    assert [read_set(root, name) for name in SETS] == [["VOC2007/my cat 1"], ["VOC2007/my cat 2"]]
    assert len(dataset(root)) == 2


def test_a_second_column_is_a_label_where_it_is_one_of_vocs(tmp_path: Path) -> None:
    folder = tmp_path / "VOC2007/ImageSets/Main"
    folder.mkdir(parents=True)
    (folder / "cat_train.txt").write_text("000005 -1\n000007  1\n000009  0\nmy cat\nraccoon 12\n")
    assert read_set(tmp_path, "VOC2007/cat_train") == [
        f"VOC2007/{stem}" for stem in ("000005", "000007", "000009", "my cat", "raccoon 12")
    ]


def test_a_list_that_names_files_and_not_pictures_is_told_what_to_write(shared: Path, tmp_path: Path) -> None:
    root = tmp_path / "devkit"
    shutil.copytree(shared / "cases/suffixes", root)
    lists = root / "VOC2007/ImageSets/Main"
    lists.chmod(0o755)
    (lists / "train.txt").write_text("b.jpeg\n")
    with pytest.raises(DataError, match=r"train\.txt lists 'b\.jpeg' with its suffix: write 'b', and so on"):
        read_set(root, "VOC2007/train")
    pictures = root / "VOC2007/JPEGImages"
    pictures.chmod(0o755)
    shutil.copy(pictures / "b.jpeg", pictures / "b.jpeg.png")
    assert read_set(root, "VOC2007/train") == ["VOC2007/b.jpeg"]


def test_what_is_not_there_and_what_is_a_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "VOC2007/JPEGImages/a.jpg").mkdir(parents=True)
    annotation, picture = check_picture(tmp_path, "VOC2007/a").problems
    assert annotation == f"the annotation {tmp_path}/VOC2007/Annotations/a.xml is not there"
    assert picture == f"{tmp_path}/VOC2007/JPEGImages/a.jpg is a folder: give one picture of it"


def test_a_byte_order_mark_is_no_part_of_the_first_name(shared: Path, tmp_path: Path) -> None:
    assert len(dataset(shared / "cases/byte-order-mark")) == 2
    names = tmp_path / "two.names"
    names.write_bytes("\ufeffcat\ndog\n".encode())
    assert read_names(names) == ("cat", "dog")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("zero-wide", "the box 31 13 30 38 ends before it begins"),
        ("polygon", "an object has a <polygon> and no <bndbox>: give it the box around its polygon"),
    ],
)
def test_a_box_without_width_and_a_polygon_without_a_box_are_reported(shared: Path, name: str, sentence: str) -> None:
    (problem,) = check_picture(shared / "cases/boxes", f"VOC2007/{name}", ("cat",)).problems
    assert sentence in problem
