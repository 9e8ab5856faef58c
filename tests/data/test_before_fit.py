"""``dfc fit`` reads its pictures before it starts, and names all that it cannot use at once."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

Dfc = Callable[..., tuple[int, str, str]]
WriteDevkit = Callable[..., Path]
CONFIG = "configs/yolo_lite.yaml"
SETS = ("--data.train", "[VOC2007/trainval]", "--data.workers", "0", "--trainer.enable_progress_bar", "false")
ONE_STEP = ("--trainer.max_steps", "1", "--trainer.log_every_n_steps", "1", "--trainer.accelerator", "cpu")
quiet = pytest.mark.filterwarnings("ignore:.*does not have many workers")
"""Lightning's advice on loader workers."""


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:400])


def fit(dfc: Dfc, root: Path, *options: str) -> tuple[int, str, str]:
    return dfc("fit", "-c", CONFIG, "--data.root", root, *SETS, *options)


def sentences(err: str) -> list[str]:
    return [line for line in err.splitlines() if "VOC" in line or line.startswith("dfc:")]


def test_all_faulty_files_of_a_training_are_named_before_it_starts(dfc: Dfc, write_devkit: WriteDevkit) -> None:
    root = write_devkit(9)
    folder = root / "VOC2007"
    (folder / "ImageSets/Main/test.txt").write_text("000009\n")
    (folder / "ImageSets/Main/trainval.txt").write_text("".join(f"00000{i}\n" for i in range(1, 9)))
    cut_short(folder / "JPEGImages/000002.jpg")
    cut_short(folder / "JPEGImages/000009.jpg")  # to validate on
    (folder / "Annotations/000005.xml").write_text("<annotation>")
    Image.new("RGB", (60, 80)).save(folder / "JPEGImages/000007.jpg")
    status, _, err = fit(dfc, root)
    told = sentences(err)
    assert status == 2
    assert [next(i for i in range(10) if f"00000{i}." in line) for line in told[:-1]] == [2, 5, 7, 9]
    assert told[-1] == "dfc: 4 problem(s) of the data, listed above: mend them, or take the pictures out of the data"
    assert not Path("runs/yolo_lite/version_0/metrics.csv").exists()


def test_classes_that_are_not_listed_are_named_with_all_that_are_there(dfc: Dfc, write_devkit: WriteDevkit) -> None:
    root = write_devkit(9)
    path = root / "VOC2007/Annotations/000003.xml"
    path.write_text(path.read_text().replace("<name>dog", "<name>wolf"))
    status, _, err = fit(dfc, root)
    assert status == 2
    assert "1 object(s) are of classes that are not among aeroplane" in err
    assert "'wolf' (1, first in VOC2007/000003)" in err
    assert 'give --data.classes "[cat,dog,wolf]", in the order of the network\'s classes, or train without' in err


def test_a_picture_that_is_in_two_sets_is_named_once(dfc: Dfc, write_devkit: WriteDevkit) -> None:
    root = write_devkit(9)  # trainval and test have the same pictures
    cut_short(root / "VOC2007/JPEGImages/000004.jpg")
    status, _, err = fit(dfc, root)
    assert status == 2
    assert err.count("000004.jpg") == 1
    assert sentences(err)[-1].startswith("dfc: 1 problem(s)")


def test_of_many_faulty_files_the_first_fifty_are_printed(dfc: Dfc, write_devkit: WriteDevkit) -> None:
    root = write_devkit(53)
    for path in (root / "VOC2007/JPEGImages").iterdir():
        cut_short(path)
    status, _, err = fit(dfc, root)
    assert status == 2
    assert err.count(".jpg cannot be read") == 50
    assert sentences(err)[-1].startswith("dfc: 53 problem(s) of the data, listed above, the first 50 of them")


@quiet
def test_a_box_outside_its_picture_ends_no_training(dfc: Dfc, write_devkit: WriteDevkit) -> None:
    root = write_devkit(8)
    path = root / "VOC2007/Annotations/000001.xml"
    path.write_text(path.read_text().replace("<xmax>61", "<xmax>81"))
    status, _, err = fit(dfc, root, *ONE_STEP)
    assert status == 0, err


@quiet
def test_a_training_on_some_of_the_classes_says_what_it_leaves_out(
    dfc: Dfc, write_devkit: WriteDevkit, caplog: pytest.LogCaptureFixture
) -> None:
    root = write_devkit(8)
    path = root / "VOC2007/Annotations/000003.xml"
    path.write_text(path.read_text().replace("<name>dog", "<name>wolf"))
    status, _, err = fit(dfc, root, "--data.other_classes", "ignore", *ONE_STEP)
    assert status == 0, err
    assert "'wolf' (1, first in VOC2007/000003); they are left out" in caplog.text


def test_a_class_without_a_box_cannot_be_validated_on_and_may_be_trained_on(
    dfc: Dfc, write_devkit: WriteDevkit
) -> None:
    root = write_devkit(9)
    (root / "VOC2007/ImageSets/Main/test.txt").write_text("000009\n")
    for name in ("000001", "000009"):
        path = root / f"VOC2007/Annotations/{name}.xml"
        size = path.read_text().split("<object>")[0]
        path.write_text(f"{size}<object><name>dog</name></object></annotation>")
    status, _, err = fit(dfc, root)
    assert status == 2
    assert [line.count("000009.xml says what is in its picture and not where") for line in sentences(err)] == [1, 0]


@pytest.mark.parametrize("name", ["b.png", "sub/c.jpg"])
def test_a_folder_of_pictures_is_read_before_too(dfc: Dfc, tmp_path: Path, name: str) -> None:
    for picture in ("a.jpg", "b.png", "sub/c.jpg"):
        path = tmp_path / "pictures" / picture
        path.parent.mkdir(exist_ok=True, parents=True)
        Image.effect_noise((64, 64), 50).save(path)
    cut_short(tmp_path / "pictures" / name)
    options = ["-c", CONFIG, "-c", "configs/distil.yaml", "--data", "PicturesDataModule"]
    options += ["--data.root", str(tmp_path / "pictures"), "--model.channel.split", "max_7", "--data.batch_size", "1"]
    status, _, err = dfc("fit", *options)
    assert status == 2
    assert f"pictures/{name} cannot be read as a picture" in err
    assert err.splitlines()[-1].startswith("dfc: 1 problem(s) of the data")


@quiet
def test_pictures_that_are_trained_and_validated_on_are_told(
    dfc: Dfc, write_devkit: WriteDevkit, caplog: pytest.LogCaptureFixture
) -> None:
    root = write_devkit(9)
    (root / "VOC2007/ImageSets/Main/trainval.txt").write_text("".join(f"00000{i}\n" for i in range(1, 9)))
    (root / "VOC2007/ImageSets/Main/test.txt").write_text("000009\n000007\n000008\n")
    assert fit(dfc, root, *ONE_STEP)[0] == 0
    assert "2 picture(s) are both trained and validated on, the first is VOC2007/000007" in caplog.text
    caplog.clear()
    (root / "VOC2007/ImageSets/Main/test.txt").write_text("000009\n")
    assert fit(dfc, root, *ONE_STEP)[0] == 0
    assert "both trained" not in caplog.text
