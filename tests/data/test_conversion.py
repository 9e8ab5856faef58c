"""``dfc data convert``: pictures that are annotated in another way become a devkit, by one command."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lightning_app.data import VOCDataset, read_names
from lightning_app.data.devkit import read_set
from lightning_app.errors import DataError

Dfc = Callable[..., tuple[int, str, str]]
Mark = tuple[str, int, int, int, int]
WIDTH, HEIGHT = 90, 60
NAMES = ("my mug 0.PNG", "mug 1.PNG", "mug_2.png", "3.JPG", "4.jpeg")
MARKS: dict[str, list[Mark]] = {
    name: [("mug", 10 + i, 5, 30, 40)] + [("tea pot", 50, 1, 40, 59)] * (i % 2) for i, name in enumerate(NAMES)
}
"""By picture: class, left, top, width and height in whole pixels."""


def picture(path: Path, seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def voc(marks: list[Mark]) -> str:
    objects = "".join(
        f"<object><name>{name}</name><bndbox><xmin>{x + 1}</xmin><ymin>{y + 1}</ymin><xmax>{x + w}</xmax>"
        f"<ymax>{y + h}</ymax></bndbox></object>"
        for name, x, y, w, h in marks
    )
    return f"<annotation><size><width>{WIDTH}</width><height>{HEIGHT}</height></size>{objects}</annotation>"


def yolo(marks: list[Mark]) -> str:
    return "".join(
        f"{['tea pot', 'mug'].index(name)} {(x + w / 2) / WIDTH:.6f} {(y + h / 2) / HEIGHT:.6f} {w / WIDTH:.6f} "
        f"{h / HEIGHT:.6f}\n"
        for name, x, y, w, h in marks
    )


def coco(marks: dict[str, list[Mark]]) -> dict[str, Any]:
    categories = {"tea pot": 7, "mug": 3, "cup": 4}
    return {
        "images": [{"id": i, "file_name": name, "width": WIDTH, "height": HEIGHT} for i, name in enumerate(marks)],
        "categories": [{"id": number, "name": name} for name, number in categories.items()],
        "annotations": [
            {"id": 1, "image_id": i, "category_id": categories[name], "bbox": [x, y, w, h]}
            for i, items in enumerate(marks.values())
            for name, x, y, w, h in items
        ],
    }


@pytest.fixture
def flat(workplace: Path) -> Path:
    """A folder ``my`` of pictures, and no annotations yet."""
    for seed, name in enumerate(NAMES):
        picture(workplace / "my/images" / name, seed)
    return Path("my")


def write_voc(root: Path) -> None:
    (root / "annotations").mkdir()
    for name, marks in MARKS.items():
        (root / "annotations" / f"{Path(name).stem}.xml").write_text(voc(marks))


def write_yolo(root: Path) -> None:
    (root / "labels").mkdir()
    (root / "labels/classes.txt").write_text("tea pot\nmug\n")
    for name, marks in MARKS.items():
        (root / "labels" / f"{Path(name).stem}.txt").write_text(yolo(marks))


def write_coco(root: Path) -> None:
    (root / "all.json").write_text(json.dumps(coco(MARKS)))


def convert(dfc: Dfc, source: Path | str, *options: str | Path, output: str = "own") -> tuple[int, str, str]:
    return dfc("data", "convert", source, "-o", output, *options)


def contents(root: Path) -> dict[str, list[tuple[str, list[float]]]]:
    """By picture and set: the classes and boxes that a training reads, in VOC's pixels."""
    classes = read_names(root / "classes.names")
    found = {}
    for part in ("train", "test"):
        data = VOCDataset(root, [f"Own/{part}"], (32, 32), classes)
        for index, name in enumerate(data.ids):
            annotation = data.read(index)[0]
            labels = [classes[label] for label in annotation.labels]
            found[f"{part} {name}"] = list(zip(labels, annotation.boxes.tolist(), strict=True))
    return found


@pytest.mark.parametrize("write", [write_voc, write_yolo, write_coco])
def test_every_kind_of_annotation_gives_the_same_devkit(dfc: Dfc, flat: Path, write: Callable[[Path], None]) -> None:
    write(flat)
    status, out, err = convert(dfc, flat)
    assert (status, err) == (0, "")
    assert "4 pictures to train on and 1 to test on, drawn at random" in out
    names = ("my mug 0", "mug_1", "mug_2", "3", "4")  # the 1 of "mug 1" would be a label of VOC's lists
    expected = {
        f"Own/{name}": [(item[0], [item[1] + 1, item[2] + 1, item[1] + item[3], item[2] + item[4]]) for item in marks]
        for name, marks in zip(names, MARKS.values(), strict=True)
    }
    found = contents(Path("own"))
    assert {name.split(" ", 1)[1]: boxes for name, boxes in found.items()} == expected
    assert Path("own/classes.names").read_text() == "mug\ntea pot\n"
    assert Path("own/Own/JPEGImages/my mug 0.PNG").read_bytes() == (flat / "images/my mug 0.PNG").read_bytes()


def test_the_flat_case_is_a_devkit_by_one_command(dfc: Dfc, shared: Path) -> None:
    status, out, err = convert(dfc, shared / "cases/flat", "--train_share", "0.5")
    assert (status, err) == (0, "")
    assert "3 pictures to train on and 3 to test on" in out
    assert len(contents(Path("own"))) == 6
    assert "Next: dfc data adapt own --network NET.cfg --classes own/classes.names -o own/own.cfg" in out


def test_a_network_is_adapted_by_the_same_command(dfc: Dfc, flat: Path) -> None:
    write_voc(flat)
    status, out, err = convert(dfc, flat, "--network", "configs/networks/yolo-lite.cfg")
    assert (status, err) == (0, "")
    assert "own/own.cfg: 2 class(es), 5 anchors by k-means over 6 training boxes, mean IoU 0." in out or "1.000" in out
    assert out.splitlines()[-1] == (
        "Next: dfc fit -c configs/own.yaml --data.root own --data.classes own/classes.names --model.network own/own.cfg"
    )


def test_the_training_that_is_shown_has_only_those_options_that_the_config_has_not(dfc: Dfc, flat: Path) -> None:
    write_voc(flat)
    network = ("--network", "configs/networks/yolo-lite.cfg")
    status, out, err = dfc("data", "convert", flat, "-o", "data/own", *network)
    assert (status, err) == (0, "")
    assert out.splitlines()[-1] == "Next: dfc fit -c configs/own.yaml"
    shown = "Next: dfc fit -c configs/own.yaml --data.classes mine.names --model.network mine.cfg"
    Path("mine.names").write_text("mug\ntea pot\n")
    assert shown in dfc("data", "adapt", "data/own", *network, "--classes", "mine.names", "-o", "mine.cfg")[1]


@pytest.mark.parametrize(
    ("places", "sets"),
    [
        (("train/images", "valid/images", "test/images"), {"train": 2, "val": 2, "test": 1}),
        (("images/train", "images/val", "images/train"), {"train": 3, "val": 2, "test": 2}),
        (("train2017", "val2017", "val2017"), {"train": 2, "val": 3, "test": 3}),
    ],
)
def test_the_sets_that_folders_tell_are_kept(
    dfc: Dfc, workplace: Path, places: tuple[str, ...], sets: dict[str, int]
) -> None:
    for i in range(5):
        place = Path("my") / places[i % len(places)]
        picture(place / f"{i}.jpg", i)
        labels = Path("my") / places[i % len(places)].replace("images", "labels")
        labels.mkdir(parents=True, exist_ok=True)
        (labels / f"{i}.txt").write_text("0 0.5 0.5 0.5 0.5\n")
    Path("my/data.yaml").write_text("names: {0: mug}\n")
    status, _, err = convert(dfc, "my")
    assert (status, err) == (0, "")
    assert {part: len(read_set(Path("own"), f"Own/{part}")) for part in sets} == sets
    assert convert(dfc, "my", "--train_share", "0.6", output="drawn")[0] == 0
    assert len(read_set(Path("drawn"), "Own/train")) == 3
    assert not Path("drawn/Own/ImageSets/Main/val.txt").exists()


def test_cocos_own_folders_are_read_as_they_are(dfc: Dfc, workplace: Path) -> None:
    for part, count in (("train2017", 3), ("val2017", 2)):
        marks = {f"{i}.jpg": MARKS[NAMES[i]] for i in range(count)}  # the same names in both
        for i, name in enumerate(marks):
            picture(Path("my") / part / name, 10 * count + i)
        Path("my/annotations").mkdir(exist_ok=True)
        Path(f"my/annotations/instances_{part}.json").write_text(json.dumps(coco(marks)))
    status, _, err = convert(dfc, "my")
    assert (status, err) == (0, "")
    assert read_set(Path("own"), "Own/train") == [f"Own/train2017-{i}" for i in range(3)]
    assert read_set(Path("own"), "Own/val") == read_set(Path("own"), "Own/test") == ["Own/val2017-0", "Own/val2017-1"]


def test_one_of_several_annotations_can_be_named(dfc: Dfc, flat: Path) -> None:
    write_voc(flat)
    write_coco(flat)
    status, _, err = convert(dfc, flat)
    assert status == 2
    assert "my has annotations of more than one kind, all.json, the .xml files: keep one, or give one as" in err
    assert convert(dfc, flat, "--annotations", "my/all.json", output="a")[0] == 0
    assert convert(dfc, flat, "--annotations", "my/annotations", output="b")[0] == 0
    assert contents(Path("a")) == contents(Path("b"))


def test_a_crowd_is_difficult_and_a_box_of_a_pixel_is_left_out_and_both_are_cut_to_the_picture(
    dfc: Dfc, flat: Path
) -> None:
    record = coco(MARKS)
    boxes = record["annotations"]
    boxes[0] |= {"iscrowd": 1, "bbox": [-2.5, 3, 30.25, 70]}
    boxes[1]["bbox"] = [20, 20, 1, 30]
    (flat / "all.json").write_text(json.dumps(record))
    status, out, err = convert(dfc, flat)
    assert (status, err) == (0, "")
    assert "1 box(es) are no wider or no higher than a pixel and are left out; the first is images/mug 1.PNG" in out
    data = VOCDataset("own", ["Own/train", "Own/test"], (32, 32), ("mug", "tea pot"))
    by_name = {name: data.annotation(index) for index, name in enumerate(data.ids)}
    assert by_name["Own/my mug 0"].boxes.tolist() == [[1, 4, 27.75, 60]]
    assert by_name["Own/my mug 0"].difficult.tolist() == [True]
    assert by_name["Own/mug_1"].labels.tolist() == [1]


def test_of_yolos_polygons_the_box_around_is_taken(dfc: Dfc, flat: Path) -> None:
    write_yolo(flat)
    (flat / "labels/4.txt").write_text("1 0.1 0.5 0.3 0.25 0.5 0.75\n")
    assert convert(dfc, flat)[0] == 0
    found = {name.split(" ", 1)[1]: boxes for name, boxes in contents(Path("own")).items()}
    assert found["Own/4"] == [("mug", [10, 16, 45, 45])]


def test_pictures_without_an_annotation_are_said(dfc: Dfc, flat: Path) -> None:
    write_voc(flat)
    (flat / "annotations/3.xml").rename(flat / "annotations/33.xml")
    status, out, err = convert(dfc, flat)
    assert (status, err) == (0, "")
    assert "1 picture(s) have no .xml file and are left out; the first is images/3.JPG" in out
    assert "1 .xml file(s) have no picture and are left out; the first is annotations/33.xml" in out
    shutil.rmtree(flat / "annotations")
    write_yolo(flat)
    (flat / "labels/3.txt").unlink()
    status, out, err = convert(dfc, flat, output="yolo")
    assert (status, err) == (0, "")
    assert "1 picture(s) have no .txt file: they show no object; the first is images/3.JPG" in out
    assert {name.split(" ", 1)[1]: len(boxes) for name, boxes in contents(Path("yolo")).items()}["Own/3"] == 0


def test_all_lines_that_are_no_object_are_named_at_once(dfc: Dfc, flat: Path) -> None:
    write_yolo(flat)
    (flat / "labels/3.txt").write_text("1 0.5 0.5 0.2\n")
    (flat / "labels/4.txt").write_text("1 0.5 0.5 0.2 0.2\n1 412 300 20 20\n")
    (flat / "labels/mug_2.txt").write_text("2 0.5 0.5 0.2 0.2\n")
    (flat / "images/my mug 0.PNG").write_text("no picture")
    status, out, err = convert(dfc, flat)
    assert status == 2
    assert "my/labels/3.txt:1: an object is `class x y width height`, five numbers, not 4" in out
    assert "my/labels/4.txt:2: the box leaves the picture: its numbers must be fractions of it" in out
    assert "my/labels/mug_2.txt:1: class 2 has no name, there are 2: give them all as --classes FILE" in out
    assert "my/images/my mug 0.PNG cannot be read as a picture" in out
    assert err == "dfc: 4 problem(s) of my, listed above: mend them, or take the pictures out of it\n"
    assert not Path("own").exists()
    assert not list(Path().glob(".devkit-*"))


def test_all_xml_files_that_cannot_be_read_are_named_by_their_own_paths(dfc: Dfc, flat: Path) -> None:
    write_voc(flat)
    torn, sizeless = (sorted(flat.rglob("*.xml"))[place] for place in (0, 1))
    torn.write_text("<annotation><object>")
    sizeless.write_text("<annotation/>")
    status, out, err = convert(dfc, flat)
    assert status == 2
    assert f"{torn} is no usable VOC annotation: it cannot be read" in out
    assert f"{sizeless} is no usable VOC annotation: <annotation> has no <size/width>" in out
    assert err == "dfc: 2 problem(s) of my, listed above: mend them, or take the pictures out of it\n"
    assert not Path("own").exists()


def test_a_picture_cut_short_is_named_after_all_is_written(dfc: Dfc, flat: Path) -> None:
    write_voc(flat)
    path = flat / "images/4.jpeg"
    path.write_bytes(path.read_bytes()[:-400])
    status, out, err = convert(dfc, flat)
    assert status == 2
    assert "own/Own/JPEGImages/4.jpeg cannot be read as a picture" in out
    assert err.startswith("dfc: own has 1 problem(s), listed above")


def refused(dfc: Dfc, *arguments: str | Path) -> str:
    status, _, err = convert(dfc, *arguments)
    assert status == 2
    assert err.startswith("dfc: ")
    assert err.count("\n") == 1
    return err


def test_what_cannot_be_is_one_sentence(dfc: Dfc, flat: Path) -> None:
    assert "my has no annotations of my's pictures: neither VOC's .xml" in refused(dfc, flat)
    write_voc(flat)
    assert "--train_share must be between 0 and 1, the share of the pictures to train on, not 80.0" in refused(
        dfc, flat, "--train_share", "80"
    )
    assert "--weights are those of --network: give both" in refused(dfc, flat, "--weights", "x.weights")
    Path("my.names").write_text("mug\n")
    assert "--classes names the numbers of YOLO text, and there is none" in refused(dfc, flat, "--classes", "my.names")
    assert "there is not there" in refused(dfc, flat, "--annotations", "there")
    Path("own").mkdir()
    Path("own/mine").touch()
    assert "own is already there and is not overwritten" in refused(dfc, flat)
    shutil.rmtree("own")
    picture(flat / "4.png")
    assert "my has 4.png and images/4.jpeg, which would have one name: rename or remove one" in refused(dfc, flat)
    assert not Path("own").exists()


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda r: r["annotations"][0].pop("bbox"), "annotation 1 has no bbox"),
        (lambda r: r["annotations"][0].update(image_id=99), "annotation 1 is of image 99, which is not listed"),
        (lambda r: r["annotations"][0].update(category_id=99), "annotation 1 is of category 99, which is not listed"),
        (lambda r: r["annotations"][0].update(bbox=[1, 2, float("nan"), 3]), r"annotation 1 has the bbox"),
        (lambda r: r["images"][0].pop("file_name"), "KeyError: 'file_name'"),
        (lambda r: r["images"].append(5), "TypeError"),
    ],
)
def test_a_coco_json_that_lacks_something_is_one_sentence(
    dfc: Dfc, flat: Path, spoil: Callable[[dict[str, Any]], object], why: str
) -> None:
    record = coco(MARKS)
    spoil(record)
    (flat / "all.json").write_text(json.dumps(record))
    err = refused(dfc, flat)
    assert "all.json is no COCO JSON of detections" in err
    assert why in err


def test_names_of_yolos_classes_are_asked_for_where_there_are_none(dfc: Dfc, flat: Path) -> None:
    write_yolo(flat)
    (flat / "labels/classes.txt").unlink()
    assert "my has no data.yaml: give a file with the names of the classes, one per line in the order" in refused(
        dfc, flat
    )
    Path("my.names").write_text("tea pot\nmug\n")
    assert convert(dfc, flat, "--classes", "my.names")[0] == 0
    assert {boxes[0][0] for boxes in contents(Path("own")).values()} == {"mug"}


def test_a_stated_size_that_is_not_the_pictures_is_found(dfc: Dfc, flat: Path) -> None:
    record = coco(MARKS)
    record["images"][0] |= {"width": HEIGHT, "height": WIDTH}  # as after a turn by EXIF
    (flat / "all.json").write_text(json.dumps(record))
    status, out, _ = convert(dfc, flat)
    assert status == 2
    assert "my mug 0.PNG has 90×60 pixels where its annotation says 60×90: its boxes would be wrong" in out


def test_nothing_is_left_where_the_network_cannot_be_adapted(dfc: Dfc, flat: Path) -> None:
    write_voc(flat)
    err = refused(dfc, flat, "--network", "configs/networks/darknet19.cfg")
    assert "darknet19.cfg is no detector" in err
    assert sorted(path.name for path in Path().iterdir()) == ["configs", "my"]


def test_the_devkit_reads_no_name_as_another_one(dfc: Dfc, workplace: Path) -> None:
    for name in ("a 1.png", "a  1.png"):
        picture(Path("my") / name)
        (Path("my") / name).with_suffix(".xml").write_text(voc(MARKS[NAMES[0]]))
    assert "a  1.png and a 1.png would both be called 'a_1': rename one" in refused(dfc, "my")
    with pytest.raises(DataError):
        read_set(Path("own"), "Own/train")
