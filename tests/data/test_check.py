"""``dfc data check`` and ``make``: every fault of a devkit is found, and a sound one is counted."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lightning_app.data import VOC_CLASSES
from lightning_app.data.check import check_picture, check_pictures, count, find_sets
from lightning_app.data.drawing import draw_boxes
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
        (lambda root: picture(root).unlink(), r"000001\.jpg is not there"),
        (lambda root: picture(root).write_bytes(picture(root).read_bytes()[:400]), r"000001\.jpg cannot be read"),
        (lambda root: annotation(root).unlink(), r"the annotation .*000001\.xml is not there"),
        (
            lambda root: Image.new("RGB", (60, 80)).save(picture(root)),
            "has 60×80 pixels where its annotation",
        ),
        (rewrite("<xmin>11", "<xmin>0"), "has the box 0 7 41 37 outside its 80×60 pixels"),
        (rewrite("<xmax>61", "<xmax>81"), "has the box 41 31 81 51 outside its 80×60 pixels"),
        (rewrite("<ymax>51", "<ymax>60.5"), "has the box 41 31 61 60.5 outside its 80×60 pixels"),
        (rewrite("<xmin>11", "<xmin>41"), "has the box 41 7 41 37 without width or height, which counts nowhere"),
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
    assert "000001.jpg is not there" in out
    assert "1 object(s) are of classes that are not among aeroplane, bicycle, bird" in out
    assert f"tvmonitor: 'wolf' (1, first in {NAME}); write the names of your classes into a file, one per line," in out
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
    assert (status, err) == (2, f"dfc: {names} names the class 'cat' 2 times: name each class once\n")


def test_classes_that_are_not_listed_are_one_sentence_for_all(dfc: Dfc, write_devkit: WriteDevkit) -> None:
    root = write_devkit(4)
    (root / "my.names").write_text("cat\n")
    status, out, err = dfc("data", "check", root, "--classes", root / "my.names")
    assert (status, err) == (
        2,
        f"dfc: {root} has 1 problem(s), listed above: mend them, or take the pictures off its lists\n",
    )
    assert out.count("not among") == 1
    assert f"4 object(s) are of classes that are not among cat: 'dog' (4, first in {NAME})" in out
    assert "give --data.other_classes ignore to `dfc fit`" in out


def test_own_sets_and_classes_are_named_with_the_options_to_type(dfc: Dfc, shared: Path) -> None:
    root = shared / "cases/own-classes"
    status, _, err = dfc("fit", "-c", "configs/yolo_lite.yaml", "--data.root", root)
    assert status == 2
    assert err.splitlines()[-1].endswith(
        "it has Blobs/test, Blobs/trainval: give "
        '--data.train "[Blobs/trainval]" --data.val "[Blobs/test]" --data.test "[Blobs/test]" '
        '--data.classes "[round,square]"'
    )
    status, out, _ = dfc("data", "check", root)
    assert status == 2
    assert out.count("not among") == 1
    assert "'round' (3, first in" in out
    assert "'square' (3, first in" in out


def test_one_folder_too_deep_is_told_which_is_right(dfc: Dfc, write_devkit: WriteDevkit) -> None:
    root = write_devkit(1)
    for command in (("data", "check"), ("fit", "-c", "configs/yolo_lite.yaml", "--data.root")):
        status, _, err = dfc(*command, root / "VOC2007")
        assert status == 2
        assert err.endswith(f"give the folder that holds it, {root}\n")


def test_a_picture_is_drawn_with_its_boxes(dfc: Dfc, write_devkit: WriteDevkit, tmp_path: Path) -> None:
    root = write_devkit(3)
    Image.new("RGB", (80, 60), "white").save(picture(root))
    status, out, _ = dfc("data", "check", root, "--draw", tmp_path / "drawn")
    assert status == 0
    assert f"3 pictures with their boxes in {tmp_path}/drawn" in " ".join(out.split())
    with Image.open(tmp_path / "drawn/VOC2007/000001.jpg") as drawn:
        pixels = np.asarray(drawn.convert("L")).astype(int)  # (60, 80)
    assert pixels[6:36, 10:12].max() < 250  # the dog's left edge, 11 in VOC's pixels, is the column 10
    assert pixels[:, :6].min() > 230


def test_pictures_with_problems_are_drawn_before_others(write_devkit: WriteDevkit, tmp_path: Path) -> None:
    root = write_devkit(105)
    path = root / "VOC2007/Annotations/000050.xml"
    path.write_text(path.read_text().replace("<xmax>61", "<xmax>81"))
    checked = dict(check_pictures(root, find_sets(root)["VOC2007/test"]))
    assert draw_boxes(root, checked, VOC_CLASSES, tmp_path) == 100
    names = {path.stem for path in (tmp_path / "VOC2007").iterdir()}
    assert {"000001", "000050", "000105"} < names


def test_shapes_are_made_and_pass_the_check(dfc: Dfc, tmp_path: Path) -> None:
    root, names = tmp_path / "shapes", tmp_path / "shapes.names"
    few = ("--train_pictures", "3", "--test_pictures", "2", "--side", "96")
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


def test_pictures_of_two_lists_and_pictures_that_a_list_repeats_are_told(dfc: Dfc, write_devkit: WriteDevkit) -> None:
    root = write_devkit(9)
    lists = root / "VOC2007/ImageSets/Main"
    (lists / "trainval.txt").write_text("".join(f"00000{i}\n" for i in (1, 2, 3, 4, 3, 2, 3)))
    (lists / "train.txt").write_text("000001\n")
    (lists / "val.txt").write_text("000002\n")
    (lists / "test.txt").write_text("".join(f"00000{i}\n" for i in (9, 8, 4, 2)))
    status, out, _ = dfc("data", "check", root)
    told = [line for line in out.splitlines() if line.startswith("VOC2007/")]
    assert status == 0
    assert told == [
        "VOC2007/trainval lists 2 picture(s) more than once, the first is VOC2007/000002: a test counts it once, a "
        "training takes it as often as it is listed",
        "VOC2007/trainval and VOC2007/test share 2 picture(s), the first is VOC2007/000002: a network looks better "
        "than it is where it is tested on what it was trained on",
        "VOC2007/val and VOC2007/test share 1 picture(s), the first is VOC2007/000002: a network looks better than "
        "it is where it is tested on what it was trained on",
    ]


def test_one_list_to_validate_and_to_test_on_is_no_remark(dfc: Dfc, write_devkit: WriteDevkit) -> None:
    """``dfc data convert`` writes both where a folder tells one of them."""
    root = write_devkit(3)
    for part, text in {"trainval": "000001\n", "val": "000002\n000003\n", "test": "000003\n000002\n"}.items():
        (root / f"VOC2007/ImageSets/Main/{part}.txt").write_text(text)
    assert "share" not in dfc("data", "check", root)[1]
