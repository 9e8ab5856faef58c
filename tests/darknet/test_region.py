"""What a ``[region]`` section may say, and the files that it names."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lightning_app.darknet import Network, RegionOptions
from lightning_app.darknet.cfg import read_cfg
from lightning_app.errors import CfgError

SECTION = """
[net]
[region]
anchors=1,2, 3,4
classes={classes}
num=2
softmax=1
{options}
"""


def region(cfg: Callable[[str], Path], options: str = "", classes: int = 3) -> RegionOptions:
    return RegionOptions.from_section(read_cfg(cfg(SECTION.format(options=options, classes=classes)))[-1])


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A tree of three classes and a map of two, beside the .cfg."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "small.tree").write_text("animal -1\ndog 0\ncat 0\n")
    (tmp_path / "data" / "small.map").write_text("2\n1\n")
    return tmp_path


def test_the_paper_network_has_darknets_scales() -> None:
    """cfg/yolov2-voc.cfg of Darknet: rescore, bias_match, scales 5, 1, 1, 1 and thresh .6."""
    (options,) = Network.from_cfg(Path(__file__).parents[2] / "configs" / "networks" / "yolov2-voc.cfg").heads
    assert isinstance(options, RegionOptions)
    scales = (options.object_scale, options.noobject_scale, options.class_scale, options.coord_scale)
    assert scales == (5, 1, 1, 1)
    assert (options.rescore, options.bias_match, options.softmax, options.thresh) == (True, True, True, 0.6)
    assert (len(options.anchors), options.classes, options.channels) == (5, 20, 125)


def test_without_softmax_classes_are_each_by_themselves(cfg: Callable[[str], Path]) -> None:
    path = cfg(SECTION.format(options="", classes=3).replace("softmax=1", "softmax=0"))
    assert not RegionOptions.from_section(read_cfg(path)[-1]).softmax


def test_a_tree_is_found_beside_the_cfg(cfg: Callable[[str], Path], files: Path) -> None:
    options = region(cfg, "tree=data/small.tree")
    assert options.tree is not None
    assert options.tree.names == ("animal", "dog", "cat")
    assert (options.classes, options.logits, options.channels) == (3, 3, 2 * 8)


def test_a_tree_is_found_from_where_the_program_runs(
    cfg: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "small.tree").write_text("animal -1\ndog 0\ncat 0\n")
    monkeypatch.chdir(elsewhere)
    assert region(cfg, "tree=small.tree").tree is not None


def test_a_map_says_how_many_classes_there_are_and_the_tree_how_many_channels(
    cfg: Callable[[str], Path], files: Path
) -> None:
    options = region(cfg, "tree=data/small.tree\nmap=data/small.map")
    assert options.mapped == (2, 1)
    assert (options.classes, options.logits, options.channels) == (2, 3, 2 * 8)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("coords=5", "coords must be 4, not 5"),
        ("tree=data/9k.tree", "is neither beside net.cfg nor where the program runs; Darknet has one at data/9k.tree"),
        ("tree=data/small.tree\nmap=none.map", "Darknet has one at data/coco9k.map"),
        ("map=data/small.map", "add tree=, or remove map="),
        ("tree=data/small.tree\nmap=data/empty.map", "must have a class number a line, each less than 3"),
        ("tree=data/small.tree\nmap=data/beyond.map", "must have a class number a line, each less than 3"),
        ("tree=data/small.tree\nmap=data/words.map", "must have a class number a line, each less than 3"),
    ],
)
def test_what_is_not_supported_is_refused_by_its_line(
    cfg: Callable[[str], Path], files: Path, options: str, message: str
) -> None:
    (files / "data" / "empty.map").write_text("\n")
    (files / "data" / "beyond.map").write_text("0\n3\n")
    (files / "data" / "words.map").write_text("dog\n")
    with pytest.raises(CfgError) as refused:
        region(cfg, options)
    assert "net.cfg:3: [region]" in str(refused.value)
    assert message in str(refused.value)


def test_a_tree_of_other_classes_is_refused(cfg: Callable[[str], Path], files: Path) -> None:
    with pytest.raises(CfgError, match="classes=9418 must be 3, as in its tree"):
        region(cfg, "tree=data/small.tree", classes=9418)
