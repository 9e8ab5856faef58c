"""A survey of ``.cfg`` files: what is built, what OpenCV makes of it, and what is refused."""

import os
from pathlib import Path

import pytest

from experiments.compatibility import survey as module
from experiments.compatibility.page import page
from experiments.compatibility.survey import ENDED, Judged, survey
from experiments.compatibility.verdict import Verdict, family

NET = "[net]\nwidth=64\nheight=32\nchannels=3\n"
CONV = NET + "[convolutional]\nsize=3\nstride=2\npad=1\nfilters=4\nactivation=mish\n"
LAST = "[convolutional]\nsize=1\nstride=1\npad=1\nfilters=7\nactivation={}\n"
HEAD = LAST + "[yolo]\nmask=0\nanchors=9,9\nnum=1\nclasses=2\n"
FILES = {
    "a/v3.cfg": CONV + HEAD.format("linear"),
    "a/v7.cfg": CONV + HEAD.format("logistic") + "new_coords=1\nscale_x_y=2.0\n",
    "b/copy.cfg": CONV + HEAD.format("linear"),
    "b/signs.cfg": CONV + HEAD.format("linear").replace("filters", "xnor=1\nfilters"),
    "b/time.cfg": CONV + "[crnn]\noutput=4\n" + HEAD.format("linear"),
    "b/settings.cfg": "[other]\nkey = value\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_each_different_network_is_a_row_with_what_became_of_it(folder: Path) -> None:
    rows = {row.file: row for row in survey(folder)}
    assert list(rows) == ["a/v3.cfg", "a/v7.cfg", "b/signs.cfg", "b/time.cfg"]
    assert (rows["a/v3.cfg"].copies, rows["a/v3.cfg"].repositories, rows["a/v3.cfg"].layers) == (2, 2, 3)
    assert [row.opencv for row in rows.values()] == ["equal", "equal", "differs", ""]
    assert rows["b/time.cfg"].reason.startswith("11: section [crnn] is not supported: what it gives depends on the")
    text = page(list(rows.values()))
    assert "Of 4 detectors with `[region]` or `[yolo]` heads 3 are built, 75.0 %." in text
    assert "| YOLOv3 | 3 | 2 | 1 | 1 | 0 | 1 |" in text
    assert "| b | 2 | 1 | 0 | 1 | 0 | 1 |" in text
    assert "| `b/time.cfg` | 11: section [crnn] is not supported" in text


def end(path: Path) -> Verdict:
    if path.name == "v3.cfg":
        os._exit(1)
    return Verdict("YOLOv4", 3, "", 0.0)


def test_a_file_that_ends_its_process_is_a_row_like_any_other(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "judge", end)
    first, second, *_ = survey(folder)
    assert (first.reason, first.opencv) == (ENDED, "")
    assert second == Judged("a/v7.cfg", 1, 1, "YOLOv4", 3, "equal", 0.0, "")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("[net]\n[region]\n tree = 9k.tree\n", "YOLO9000"),
        ("[net]\n[region]\n", "YOLOv2"),
        ("[net]\n[yolo]\niou_loss=ciou\n", "YOLOv4"),
        ("[net]\n[Gaussian_yolo]\niou_loss=giou\n", "Gaussian YOLOv3"),
        ("[net]\n[connected]\n[detection]\n", "YOLOv1"),
        ("[net]\n[softmax]\n", "classifier"),
        ("[net]\n[rnn]\n", "other"),
    ],
)
def test_a_network_is_named_by_its_sections(text: str, name: str) -> None:
    assert family(text) == name
