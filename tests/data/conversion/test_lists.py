"""``dfc data convert`` and lists of pictures: Darknet's ``.data`` file, and train.txt and its like by themselves."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.data.conversion.mugs import picture, write_voc, write_yolo

Convert = Callable[..., tuple[int, str, str]]
Refused = Callable[..., str]


def sets(root: Path = Path("own")) -> dict[str, list[str]]:
    """The names of each set of a devkit."""
    files = sorted((root / "Own/ImageSets/Main").glob("*.txt"))
    return {file.stem: sorted(file.read_text().splitlines()) for file in files}


def test_the_lists_that_a_data_file_names_are_the_sets(convert: Convert, flat: Path) -> None:
    """Its paths are those of the machine that it was written on."""
    write_yolo(flat)
    (flat / "obj.data").write_text("classes= 2\ntrain  = C:\\darknet\\data\\0.txt\nvalid=data/odd.txt\nnames = x\n")
    (flat / "0.txt").write_text("C:\\darknet\\data\\images\\3.JPG\ndata/images/my mug 0.PNG\n\ndata/images/gone.png\n")
    (flat / "odd.txt").write_text("data/images/4.jpeg\n")
    (flat / "test.txt").write_text("images/mug_2.png\n")
    status, out, err = convert(flat)
    assert (status, err) == (0, "")
    assert sets() == {"train": ["3", "my mug 0"], "val": ["4"], "test": ["4"]}
    assert "the sets are those of 0.txt and odd.txt\n" in out
    assert "2 picture(s) are in no list and are left out; the first is images/mug 1.PNG" in out
    assert "1 line(s) of the lists name no picture of my with an annotation; the first is data/images/gone.png" in out


@pytest.mark.parametrize("write", [write_voc, write_yolo])
@pytest.mark.parametrize("test", ["test", "valid"])
def test_lists_that_are_called_like_sets_are_the_sets(
    convert: Convert, flat: Path, write: Callable[[Path], None], test: str
) -> None:
    write(flat)
    (flat / "train.txt").write_text("3.JPG\nmug_2.png\nmug 1.PNG\n")
    (flat / f"{test}.txt").write_text("4.jpeg\nmy mug 0.PNG\n")
    assert convert(flat)[0] == 0
    assert sets()["train"] == ["3", "mug_1", "mug_2"]
    assert sets()["test"] == ["4", "my mug 0"]
    assert ("val" in sets()) == (test == "valid")


def test_a_picture_in_two_lists_is_refused_unless_the_sets_are_drawn(
    convert: Convert, refused: Refused, flat: Path
) -> None:
    write_yolo(flat)
    (flat / "train.txt").write_text("images/3.JPG\nimages/4.jpeg\n")
    (flat / "test.txt").write_text("images/4.jpeg\n")
    told = refused(flat)
    assert "my/train.txt and my/test.txt both list images/4.jpeg: take it out of one, or give --train_share" in told
    assert convert(flat, "--train_share", "0.8")[0] == 0
    assert {name: len(pictures) for name, pictures in sets().items()} == {"train": 4, "test": 1}


def test_of_pictures_of_one_name_the_folders_tell_which_is_meant(
    convert: Convert, refused: Refused, flat: Path
) -> None:
    write_yolo(flat)
    for folder in ("a", "b"):
        picture(flat / folder / "7.png")
    (flat / "train.txt").write_text("data/images/3.JPG\ndata/b/7.png\n")
    (flat / "test.txt").write_text("a/7.png\n")
    assert convert(flat)[0] == 0
    assert sets() == {"train": ["3", "b-7"], "test": ["a-7"]}
    Path("own").rename("first")
    (flat / "test.txt").write_text("7.png\n")
    told = refused(flat)
    assert "my/test.txt lists 7.png, which may be a/7.png or b/7.png: write more of its folders" in told


@pytest.mark.parametrize(
    ("train", "test", "absent"),
    [
        ("images/3.JPG\n", None, False),
        ("0.jpg\n", "1.jpg\n", True),
        ("images/3.JPG\n", "1 0.5 0.5 0.2 0.2\n", False),
    ],
    ids=["one list", "lists of other pictures", "no list of pictures"],
)
def test_the_sets_are_drawn_where_no_lists_tell_two(
    convert: Convert, flat: Path, train: str, test: str | None, absent: bool
) -> None:
    write_yolo(flat)
    (flat / "train.txt").write_text(train)
    if test is not None:
        (flat / "test.txt").write_text(test)
    (flat / "obj.data").write_text("train=train.txt\nvalid=train.txt\n")
    status, out, _ = convert(flat)
    assert status == 0
    assert "4 pictures to train on and 1 to test on, drawn at random" in out
    assert ("2 line(s) of the lists name no picture of my with an annotation; the first is 1.jpg" in out) == absent


def test_lists_beside_the_folder_are_told(convert: Convert, flat: Path) -> None:
    write_yolo(flat)
    (flat / "labels").rename(flat / "images/labels")
    for part, name in (("train", "3.JPG"), ("test", "4.jpeg")):
        (flat / f"{part}.txt").write_text(f"data/images/{name}\n")
    told = "test.txt and train.txt beside my/images list pictures: to keep these sets, convert my"
    assert told in convert(flat / "images")[1]
    assert "beside" not in convert(flat, output="second")[1]
    assert sets(Path("second")) == {"train": ["3"], "test": ["4"]}


def test_the_order_of_the_names_is_told_where_it_is_not_that_of_the_devkit(convert: Convert, flat: Path) -> None:
    write_yolo(flat)
    told = (
        "the devkit has the 2 classes with a box, by the alphabet; for weights that were trained in the order of "
        "my/labels/classes.txt, give --data.classes my/labels/classes.txt"
    )
    assert told in convert(flat)[1]
    (flat / "labels/classes.txt").write_text("mug\ntea pot\n")
    assert "trained in the order" not in convert(flat, output="second")[1]


def test_names_may_be_given_as_a_data_yaml(convert: Convert, flat: Path) -> None:
    write_yolo(flat)
    (flat / "labels/classes.txt").unlink()
    Path("my.yaml").write_text("path: ../datasets/my\ntrain: images/train\nnames:\n  0: tea pot\n  1: mug\n")
    assert convert(flat, "--classes", "my.yaml")[0] == 0
    assert Path("own/classes.names").read_text() == "mug\ntea pot\n"
