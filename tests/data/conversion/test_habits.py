"""``dfc data convert`` and the habits of people and of their tools: what is read, and what is said of it."""

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from lightning_app.data.conversion.classes import misspelt
from lightning_app.data.names import read_names
from tests.data.conversion.mugs import HEIGHT, MARKS, WIDTH, coco, contents, voc, write_voc, write_yolo

Convert = Callable[..., tuple[int, str, str]]


def of_picture(name: str) -> list[tuple[str, list[float]]]:
    (found,) = [boxes for key, boxes in contents(Path("own")).items() if key.endswith(f"Own/{name}")]
    return found


def test_a_class_that_is_misspelt_once_is_said(convert: Convert, flat: Path) -> None:
    write_voc(flat)
    marks = [("mug", 10, 5, 30, 40)] * 29 + [("mugg", 10, 5, 30, 40)]
    (flat / "annotations/3.xml").write_text(voc(marks))
    status, out, err = convert(flat)
    assert (status, err) == (0, "")
    assert (
        "the class 'mugg' has 1 object(s) and 'mug' has 33: if one name is a misprint, correct the annotations and "
        "convert them anew"
    ) in out
    assert out.count("the class") == 1


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({"racoon": 1, "raccoon": 29}, True),
        ({"Raccoon": 1, "raccoon": 29}, True),
        ({"tv monitor": 2, "tvmonitor": 40}, True),
        ({"racoon": 12, "raccoon": 29}, False),
        ({"car": 1, "cat": 29}, False),
        ({"dog": 1, "raccoon": 29}, False),
    ],
)
def test_a_misprint_is_a_rare_name_close_to_a_common_one(counts: dict[str, int], said: bool) -> None:
    assert len(list(misspelt(Counter(counts)))) == said


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("names: {'0': tea pot, '1': mug}\n", ["mug", "tea pot"]),
        ("names: [no, yes]\n", ["no", "yes"]),
        ("names:\n- 1\n- 007\n", ["007", "1"]),
    ],
)
def test_names_of_a_data_yaml_are_what_is_written_there(
    convert: Convert, flat: Path, text: str, names: list[str]
) -> None:
    write_yolo(flat)
    (flat / "labels/classes.txt").unlink()
    (flat / "data.yaml").write_text(text)
    assert convert(flat)[0] == 0
    assert list(read_names(Path("own/classes.names"))) == names


def test_a_box_of_yolos_that_reaches_over_the_edge_is_cut_and_a_class_may_be_a_whole_float(
    convert: Convert, flat: Path
) -> None:
    write_yolo(flat)
    (flat / "labels/3.txt").write_text("1.0 0.9 0.5 0.4 0.5\n")
    assert convert(flat)[0] == 0
    assert of_picture("3") == [("mug", [64, 16, WIDTH, 45])]


def test_boxes_that_a_training_goes_on_after_are_notes_where_files_are_vocs(convert: Convert, flat: Path) -> None:
    write_voc(flat)
    (flat / "annotations/3.xml").write_text(voc([("mug", -1, 5, 30, 40), ("mug", 10, 5, 1, 40)]))
    status, out, err = convert(flat)
    assert (status, err) == (0, "")
    assert "1 box(es) leave their picture in part: a training cuts them off at its edges; the first is images/3" in out
    assert "1 box(es) have no width or no height, and count nowhere; the first is images/3.JPG" in out
    assert "Next: dfc data adapt" in out


@pytest.mark.parametrize("size", ["", "<size/>", "<size><width>0</width><height>0</height><depth>3</depth></size>"])
def test_the_size_of_a_picture_is_added_where_its_annotation_does_not_state_it(
    convert: Convert, flat: Path, size: str
) -> None:
    write_voc(flat)
    assert convert(flat)[0] == 0
    Path("own").rename("whole")
    changed = sorted(flat.rglob("*.xml"))[:2]
    for path in changed:
        path.write_text(re.sub("<size>.*</size>", size, path.read_text(), flags=re.DOTALL))
    status, out, _ = convert(flat)
    assert status == 0
    told = "2 .xml file(s) do not state the size of their picture, which is added; the first is annotations/"
    assert told + changed[0].name in out
    assert contents(Path("own")) == contents(Path("whole"))


def test_pictures_that_exif_turns_are_said(convert: Convert, flat: Path) -> None:
    write_yolo(flat)
    exif = Image.Exif()
    exif[0x112] = 6
    Image.new("RGB", (WIDTH, HEIGHT)).save(flat / "images/3.JPG", exif=exif)
    status, out, _ = convert(flat)
    assert status == 0
    assert "1 picture(s) are turned by EXIF, which is not read here: if their boxes were drawn on what is shown" in out


def test_a_devkit_that_was_made_inside_the_folder_is_not_converted_with_it(convert: Convert, flat: Path) -> None:
    """Else each picture would be there twice, and be both trained and tested on."""
    write_voc(flat)
    assert convert(flat, output="my/own")[0] == 0
    assert convert(flat)[0] == 0
    assert len(contents(Path("own"))) == len(MARKS)
    assert convert("my/own", output="again")[0] == 0


@pytest.mark.parametrize("kind", ["voc", "coco"])
def test_a_name_is_the_same_whether_its_accents_stand_apart_or_not(convert: Convert, flat: Path, kind: str) -> None:
    (flat / "images/3.JPG").rename(flat / "images/caf\u00e9.JPG")
    apart = unicodedata.normalize("NFD", "caf\u00e9")
    if kind == "voc":
        write_voc(flat)
        (flat / "annotations/3.xml").rename(flat / f"annotations/{apart}.xml")
    else:
        marks = {name.replace("3.JPG", f"{apart}.JPG"): of for name, of in MARKS.items()}
        (flat / "all.json").write_text(json.dumps(coco(marks)))
    status, out, _ = convert(flat)
    assert status == 0
    assert "left out" not in out
    assert len(of_picture("caf\u00e9")) == 2


@pytest.mark.parametrize("word", ["", "False", "Unspecified"])
def test_difficult_may_be_said_in_words(convert: Convert, flat: Path, word: str) -> None:
    write_voc(flat)
    path = flat / "annotations/4.xml"
    path.write_text(path.read_text().replace("</name>", f"</name><difficult>{word}</difficult>"))
    assert convert(flat)[0] == 0


def test_a_crowd_may_be_said_by_a_text(convert: Convert, flat: Path) -> None:
    record = coco(MARKS)
    for item, crowd in zip(record["annotations"], ("0", "1", 0, 1, None, False, True), strict=True):
        item["iscrowd"] = crowd
    (flat / "all.json").write_text(json.dumps(record))
    assert convert(flat)[0] == 0
    texts = [path.read_text() for path in Path("own/Own/Annotations").iterdir()]
    assert sum(text.count("<difficult>1</difficult>") for text in texts) == 3
