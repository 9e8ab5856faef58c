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
    """A tree of three classes, beside the .cfg."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "small.tree").write_text("animal -1\ndog 0\ncat 0\n")
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


def test_a_map_of_darknets_training_changes_nothing_and_is_said(cfg: Callable[[str], Path], files: Path) -> None:
    """As in the published yolo9000.cfg, whose data/coco9k.map need not be there."""
    options = region(cfg, "tree=data/small.tree\nmap=data/none.map")
    assert (options.classes, options.logits, options.mapped) == (3, 3, ())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("coords=5", "coords must be 4, not 5"),
        ("tree=data/9k.tree", "is neither beside net.cfg nor where the program runs; Darknet has one at data/9k.tree"),
    ],
)
def test_what_is_not_supported_is_refused_by_its_own_line(
    cfg: Callable[[str], Path], files: Path, options: str, message: str
) -> None:
    with pytest.raises(CfgError) as refused:
        region(cfg, options)
    assert "net.cfg:8: [region]" in str(refused.value)
    assert message in str(refused.value)


def test_a_tree_of_other_classes_is_refused(cfg: Callable[[str], Path], files: Path) -> None:
    with pytest.raises(CfgError, match="classes=9418 must be 3, as in its tree"):
        region(cfg, "tree=data/small.tree", classes=9418)
