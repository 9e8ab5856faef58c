"""A network's .cfg for other classes: what must change does, and nothing else."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from lightning_app.darknet import Network
from lightning_app.darknet.adapt import adapted_cfg, head_convolutions
from lightning_app.errors import CfgError

ROOT = Path(__file__).parents[2]
NETWORKS = ROOT / "configs/networks"
LITE = NETWORKS / "yolo-lite.cfg"


def rewritten(source: Path, target: Path, classes: int, anchors: bool = False) -> Network:
    def find(count: int, unit: tuple[int, int]) -> list[tuple[float, float]]:
        return [(unit[0] * (i + 1) / 100, unit[1] / 10) for i in range(count)]

    target.write_bytes(adapted_cfg(Network.from_cfg(source), classes, find if anchors else None))
    return Network.from_cfg(target)


@pytest.mark.parametrize(
    "name", ["yolo-lite", "shapes", "yolov2-voc", "yolov2-tiny-voc", "yolov2-voc-no-passthrough", "yolov3-tiny-voc"]
)
def test_every_network_that_is_shipped_becomes_one_of_three_classes(tmp_path: Path, name: str) -> None:
    source = Network.from_cfg(NETWORKS / f"{name}.cfg")
    network = rewritten(NETWORKS / f"{name}.cfg", tmp_path / "mine.cfg", 3)
    assert [head.classes for head in network.heads] == [3] * len(source.heads)
    assert [head.anchors for head in network.heads] == [head.anchors for head in source.heads]
    raws = network(torch.zeros(1, network.channels, *network.size))
    assert [raw.shape[1] for raw in raws] == [len(head.anchors) * 8 for head in network.heads]
    changed = {index for pair in zip(head_convolutions(network), network.outputs, strict=True) for index in pair}
    for index, (old, new) in enumerate(zip(source.sections[1:], network.sections[1:], strict=True)):
        assert (old.options == new.options) is (index not in changed)


def test_a_tree_of_classes_goes(tmp_path: Path, write_tree: Callable[[Path], object]) -> None:
    write_tree(tmp_path)
    network = rewritten(tmp_path / "tree.cfg", tmp_path / "mine.cfg", 2)
    assert network.classes == 2
    assert "tree" not in network.sections[-1].options
    assert "map" not in network.sections[-1].options


@pytest.fixture
def write_tree() -> Callable[[Path], object]:
    def write(folder: Path) -> None:
        (folder / "small.tree").write_text("a -1\nb 0\nc 0\n")
        text = LITE.read_text().replace("filters=125", "filters=40")
        (folder / "tree.cfg").write_text(text.replace("classes=20", "classes=3\ntree=small.tree"))

    return write


def test_comments_and_all_other_lines_stay(tmp_path: Path) -> None:
    source = tmp_path / "latin.cfg"
    source.write_bytes(LITE.read_bytes().replace(b"[net]", b"# caf\xe9 \xc2\x85\n[net]", 1).replace(b"\n", b"\r\n"))
    rewritten(source, tmp_path / "mine.cfg", 20)
    assert (tmp_path / "mine.cfg").read_bytes() == source.read_bytes()
    rewritten(source, tmp_path / "mine.cfg", 2)
    before, after = source.read_bytes().splitlines(), (tmp_path / "mine.cfg").read_bytes().splitlines()
    assert [(a, b) for a, b in zip(before, after, strict=True) if a != b] == [
        (b"filters=125", b"filters=35"), (b"classes=20", b"classes=2"),
    ]  # fmt: skip


def test_options_that_are_not_stated_are_added_and_of_two_lines_one_is_left(tmp_path: Path) -> None:
    source = tmp_path / "bare.cfg"
    text = LITE.read_text().replace("classes=20\n", "").replace("filters=125\n", "filters=125\n filters = 125\n")
    source.write_text(text)
    network = rewritten(source, tmp_path / "mine.cfg", 2)
    assert network.classes == 2
    assert (tmp_path / "mine.cfg").read_text().count("filters=35") == 1


def test_anchors_are_cells_of_a_region_and_pixels_of_a_yolo_head(tmp_path: Path) -> None:
    region = rewritten(LITE, tmp_path / "region.cfg", 2, anchors=True)
    assert region.sections[-1].reals("anchors")[:4] == pytest.approx([0.07, 0.7, 0.14, 0.7])  # of 7×7 cells
    yolo = rewritten(NETWORKS / "yolov3-tiny-voc.cfg", tmp_path / "yolo.cfg", 2, anchors=True)
    for section in yolo.sections:
        if section.kind == "yolo":
            assert section.reals("anchors")[:4] == pytest.approx([4.16, 41.6, 8.32, 41.6])  # of 416×416 pixels


def test_a_classifier_and_heads_that_count_otherwise_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CfgError, match=r"darknet19\.cfg is no detector: it has no \[region\] or \[yolo\]"):
        adapted_cfg(Network.from_cfg(NETWORKS / "darknet19.cfg"), 2)
    start, mark, last = (NETWORKS / "yolov3-tiny-voc.cfg").read_text().rpartition("[yolo]")
    source = tmp_path / "other.cfg"
    source.write_text(start + mark + last.replace("num=6", "num=7").replace("344,319", "344,319, 400,400"))
    with pytest.raises(CfgError, match=r"num= differs between the heads, \[6, 7\]: give all heads one num="):
        adapted_cfg(Network.from_cfg(source), 2, lambda count, _: [(1.0, 1.0)] * count)
