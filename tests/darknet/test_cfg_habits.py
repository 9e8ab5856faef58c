"""How people write .cfg files: options in other sections, comments behind values, the ends of lines, misprints."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lightning_app.darknet import Network
from lightning_app.darknet.adapt import adapted_cfg
from lightning_app.darknet.cfg import read_cfg
from lightning_app.errors import CfgError

NET = "[net]\nwidth=32\nheight=32\n"
CONV = "[convolutional]\nfilters=7\nactivation=linear\n"
YOLO = "[yolo]\nmask=0\nanchors=8,8\nclasses=2\nnum=1\n"
PLAIN = NET + CONV + YOLO

Write = Callable[[str], Path]


def test_an_option_of_another_section_changes_nothing_as_in_darknet_and_is_said(cfg: Write) -> None:
    """As uc_normalizer= of [Gaussian_yolo] in the [yolo] of yolov4-sam-mish.cfg."""
    network = Network.from_cfg(cfg(NET + "jitter=.3\n" + CONV + "mask=0\n" + YOLO + "uc_normalizer=1.0\n"))
    assert network.architecture == Network.from_cfg(cfg(PLAIN)).architecture
    (note,) = network.notes
    assert note.endswith(
        "options that Darknet does not read in such a section change nothing here: jitter of [net], mask of "
        "[convolutional], uc_normalizer of [yolo]"
    )


@pytest.mark.parametrize("comment", [" # two", " ; two", ";"])
def test_a_comment_behind_a_number_is_no_part_of_it(cfg: Write, comment: str) -> None:
    text = PLAIN.replace("classes=2", f"classes=2{comment}").replace("[yolo]", f"[yolo]{comment}")
    assert read_cfg(cfg(text)) == read_cfg(cfg(PLAIN))


@pytest.mark.parametrize("option", ["activation=linear", "iou_loss=ciou", "nms_kind=greedynms"])
@pytest.mark.parametrize("comment", ["# why", "; why"])
def test_a_comment_behind_a_name_is_refused_as_darknet_takes_it_for_a_part(
    cfg: Write, option: str, comment: str
) -> None:
    path = cfg(NET + CONV + YOLO.replace("\n", f"\n{option} {comment}\n", 1))
    with pytest.raises(CfgError, match=f"Darknet reads the comment behind {option} as a part of the name"):
        read_cfg(path)


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n"])
@pytest.mark.parametrize("comment", ["\u0085", "\u2028", "\f", "\x1c"])
def test_a_line_ends_as_any_system_ends_it_and_nowhere_else(tmp_path: Path, end: str, comment: str) -> None:
    """The bytes of U+0085 are two of GBK's characters, too."""
    path = tmp_path / "net.cfg"
    path.write_bytes(f"{NET}# a{comment}b\n{CONV}{YOLO}".replace("\n", end).encode())
    network = Network.from_cfg(path)
    assert [section.line for section in network.sections] == [1, 5, 8]
    adapted = adapted_cfg(network, 3).decode()
    assert f"# a{comment}b{end}" in adapted
    assert "filters=8" in adapted


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            "filters=",
            "Filters=",
            "net.cfg:5: option Filters= of [convolutional] is not supported; did you mean filters=",
        ),
        ("filters=", "filter=", "option filter= of [convolutional] is not supported; did you mean filters=?"),
        ("[convolutional]", "[Convolution]", "section [Convolution] is not supported; did you mean [convolutional]?"),
        ("[yolo]", "[YOLO]", "net.cfg:7: section [YOLO] is not supported; did you mean [yolo]?"),
        ("filters=7\n", "filters=7\nfilters=8\n", "given twice, 7 and 8; Darknet takes the first: remove one"),
        ("filters=7", "// filters", "found '//filters'; correct the line, or put # before it"),
        ("anchors=8,8", "anchors=8,0", "net.cfg:9: [yolo] anchors must be above 0, not 0"),
        ("anchors=8,8", "anchors=8", "net.cfg:9: [yolo] anchors= has 1 numbers between commas, and num=1 needs 2, a"),
        ("mask=0", "mask=1", "net.cfg:8: [yolo] mask=1 must list anchors"),
        ("num=1\n", "num=1\niou_loss=eiou\n", "net.cfg:12: [yolo] iou_loss=eiou is not supported; supported are mse"),
        ("[yolo]", "[route]\nlayers=9\n[yolo]", "net.cfg:8: [route] layers=9 reaches layer 9, which is not before it"),
    ],
)
def test_a_misprint_is_named_at_its_own_line_with_what_was_meant(cfg: Write, old: str, new: str, sentence: str) -> None:
    with pytest.raises(CfgError) as error:
        Network.from_cfg(cfg(PLAIN.replace(old, new)))
    assert sentence in str(error.value)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (PLAIN.encode("utf-16"), "it is text in UTF-16: save it as UTF-8"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d\nsize 12\n", "it is a pointer of Git LFS: fetch"),
        (b"\n<!DOCTYPE html>\n<html>", "it is a page of the web: fetch the file itself, on many pages by the link"),
        (bytes(20), "it is no text: it has bytes of the value 0"),
    ],
)
def test_what_is_no_cfg_at_all_is_said(tmp_path: Path, data: bytes, sentence: str) -> None:
    path = tmp_path / "net.cfg"
    path.write_bytes(data)
    with pytest.raises(CfgError) as error:
        read_cfg(path)
    assert f"net.cfg cannot be read as a Darknet .cfg: {sentence}" in str(error.value)
