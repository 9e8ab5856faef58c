"""``dfc data check`` and ``make``: every fault of a devkit is found, and a sound one is counted."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from lightning_app.data import VOC_CLASSES
from lightning_app.data.check import check_picture, check_pictures, count, find_sets
from lightning_app.errors import DataError

Dfc = Callable[..., tuple[int, str, str]]
WriteDevkit = Callable[..., Path]
NAME = "VOC2007/000001"


def annotation(root: Path) -> Path:
    return root / "VOC2007/Annotations/000001.xml"


def picture(root: Path) -> Path:
    return root / "VOC2007/JPEGImages/000001.jpg"


def test_the_sets_of_every_year_are_found_and_the_lists_of_classes_are_not(write_devkit: WriteDevkit) -> None:
    root = write_devkit(3)
    write_devkit(2, "VOC2012")
    (root / "VOC2007/ImageSets/Main/dog_test.txt").write_text("000001 1\n")
    sets = find_sets(root)
    assert {name: len(ids) for name, ids in sets.items()} == {
        "VOC2007/test": 3, "VOC2007/trainval": 3, "VOC2012/test": 2, "VOC2012/trainval": 2,
    }  # fmt: skip
    with pytest.raises(DataError, match=r"is no VOC devkit: it has no list .*trainval.*give the folder that holds"):
        find_sets(root / "VOC2007")


def test_pictures_are_counted_as_they_are(write_devkit: WriteDevkit) -> None:
    root = write_devkit(3)
    Image.new("RGB", (200, 100)).save(picture(root))
    text = annotation(root).read_text().replace(">80<", ">200<").replace(">60<", ">100<")
    annotation(root).write_text(re.sub("<object>.*</object>", "<object><name>sofa</name></object>", text))
    counts = count((checked for _, checked in check_pictures(root, find_sets(root)["VOC2007/test"])), 20)
    assert (counts.pictures, counts.class_only, counts.difficult) == (3, 1, 2)
    expected = [0] * 20
    expected[VOC_CLASSES.index("dog")] = expected[VOC_CLASSES.index("cat")] = 2
    assert counts.objects == tuple(expected)
    assert (counts.smallest, counts.largest) == ((80, 60), (200, 100))


def rewrite(old: str, new: str) -> Callable[[Path], object]:
    return lambda root: annotation(root).write_text(annotation(root).read_text().replace(old, new))


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda root: picture(root).unlink(), r"000001\.jpg cannot be read as a picture"),
        (lambda root: picture(root).write_bytes(picture(root).read_bytes()[:400]), r"000001\.jpg cannot be read"),
        (lambda root: annotation(root).unlink(), r"000001\.xml is no usable VOC annotation"),
        (
            lambda root: Image.new("RGB", (60, 80)).save(picture(root)),
            "has 60×80 pixels where its annotation",
        ),
        (rewrite("<xmin>11", "<xmin>0"), "has the box 0 7 41 37 outside its 80×60 pixels"),
        (rewrite("<xmax>61", "<xmax>81"), "has the box 41 31 81 51 outside its 80×60 pixels"),
        (rewrite("<ymax>51", "<ymax>60.5"), "has the box 41 31 61 60.5 outside its 80×60 pixels"),
        (rewrite("<name>dog", "<name>wolf"), "the class 'wolf' is not among aeroplane"),
    ],
)
def test_a_fault_is_one_sentence(write_devkit: WriteDevkit, spoil: Callable[[Path], object], why: str) -> None:
    root = write_devkit(1)
    assert check_picture(root, NAME).problems == ()
    spoil(root)
    (problem,) = check_picture(root, NAME).problems
    assert re.search(why, problem)
    assert "\n" not in problem


def test_faults_of_the_picture_and_of_its_annotation_are_both_found(write_devkit: WriteDevkit) -> None:
    root = write_devkit(1)
    picture(root).write_text("no picture")
    annotation(root).write_text("no annotation")
    assert len(check_picture(root, NAME).problems) == 2


def test_a_devkit_with_faults_is_answered_by_them_and_one_sentence(dfc: Dfc, write_devkit: WriteDevkit) -> None:
    root = write_devkit(4)
    status, out, err = dfc("data", "check", root)
    assert (status, err) == (0, "")
    picture(root).unlink()
    rewrite("<name>dog", "<name>wolf")(root)
    status, out, err = dfc("data", "check", root)
    assert status == 2
    assert "000001.jpg cannot be read as a picture" in out
    assert "the class 'wolf' is not among" in out
    assert err == f"dfc: {root} has 2 problem(s), listed above: mend them, or take the pictures off its lists\n"


def test_classes_can_be_named_in_a_file(dfc: Dfc, write_devkit: WriteDevkit, tmp_path: Path) -> None:
    root, names = write_devkit(2), tmp_path / "my.names"
    names.write_text("cat\n\ndog\n")
    status, out, _ = dfc("data", "check", root, "--classes", names)
    assert status == 0
    assert re.search(r"cat +│ +2 │", out)
    assert "aeroplane" not in out
    names.write_text("cat\ncat\n")
    status, _, err = dfc("data", "check", root, "--classes", names)
    assert (status, err) == (2, f"dfc: {names} must name each class once, one a line, and at least one\n")


def test_shapes_are_made_and_pass_the_check(dfc: Dfc, tmp_path: Path) -> None:
    root, names = tmp_path / "shapes", tmp_path / "shapes.names"
    few = ("--train-pictures", "3", "--test-pictures", "2", "--side", "96")
    status, out, err = dfc("data", "make", "shapes", "--root", root, *few)
    assert (status, err) == (0, "")
    assert f"3 and 2 pictures in {root}/Shapes" in out
    names.write_text("circle\ncolumns\nrows\nstar\ntriangle\n")
    assert dfc("data", "check", root, "--classes", names)[0] == 0
    status, _, err = dfc("data", "make", "shapes", "--root", root)
    assert status == 2
    assert "remove it, or give another root" in err


@pytest.mark.slow
def test_the_real_devkit_of_2007_is_sound_and_has_the_published_counts(dfc: Dfc, shared: Path, tmp_path: Path) -> None:
    (tmp_path / "VOC2007").symlink_to(shared / "VOCdevkit/VOC2007")
    status, out, err = dfc("data", "check", tmp_path)
    assert (status, err) == (0, "")
    rows = {line.split("│")[1].strip(): line.split("│")[2:-1] for line in out.splitlines() if line.startswith("│")}
    test, train, trainval, val, everything = (int(cell.replace(",", "")) for cell in rows["pictures"])
    assert (test, trainval, everything) == (357, 474, 831)
    assert train + val == trainval
    assert int(rows["objects"][-1].replace(",", "")) == 2241
    assert int(rows["difficult"][-1]) == 396
    assert set(VOC_CLASSES) < set(rows)
