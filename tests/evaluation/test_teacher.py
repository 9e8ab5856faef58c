"""``dfc evaluate --truth teacher``: what a network finds in uncoded pictures stands for their true boxes."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from lightning_app.boxes import xyxy_to_cxcywh
from lightning_app.checkpoint import save_checkpoint
from lightning_app.darknet import Network, save_weights
from lightning_app.data import SHAPES, Resize, VOCDataset, draw
from lightning_app.detector import Detector
from lightning_app.errors import DataError
from lightning_app.evaluation.links import Model, Photo
from lightning_app.evaluation.paired import compare_runs
from lightning_app.evaluation.runs import pool_runs
from lightning_app.evaluation.teacher import TeacherTruth
from lightning_app.records.differences import read_differences
from lightning_app.records.points import Point, read_points
from lightning_app.statistics import load_outcomes, load_truths

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:.*does not have many workers")]

Dfc = Callable[..., tuple[int, str, str]]
CFG = Path(__file__).parents[2] / "configs/networks/shapes.cfg"
PICTURES = 9
SWEEP = ("--splits", "[max_5]", "--qps", "[lossless,22,42]", "--anchor.qps", "[original,30,45]")
TAUGHT = (*SWEEP, "--truth", "teacher")
UNCODED = "cloud-only original original"
FILES = ("points.csv", "images.csv", "bd.csv", "outcomes.npz")


def lively(seed: int) -> Network:
    """An untrained network that is sure of a few small boxes, in some of the pictures."""
    network = Network.from_cfg(CFG, seed).eval()
    with torch.no_grad():
        head = network.layers["conv_9"].conv
        head.weight.mul_(3)  # type: ignore[operator, union-attr]
        head.bias.view(-1, 10)[:, 4] -= 1.2  # type: ignore[operator, union-attr]
        head.bias.view(-1, 10)[:, 2:4] -= 1.2  # type: ignore[operator, union-attr]
    return network


@pytest.fixture
def default(tiny: tuple[str, ...]) -> tuple[str, ...]:
    """Options that measure default weights; retrained ones, which find other boxes, lie beside them."""
    save_weights(lively(0), "default.weights")
    save_weights(lively(1), "retrained.weights")
    return (*tiny, "--model.weights", "default.weights")


def points(folder: str) -> dict[str, Point]:
    return {point.name: point for point in read_points(Path(folder) / "points.csv")}


def truth(folder: str) -> str:
    """What all that the folder holds was measured against."""
    found = {point.truth for point in points(folder).values()}
    found |= {difference.truth for difference in read_differences(Path(folder) / "bd.csv")}
    found |= set(load_truths(Path(folder) / "outcomes.npz").values())
    (one,) = found
    return one


def test_an_uncoded_network_reaches_a_map_of_100_against_itself_and_coding_takes_from_it(
    dfc: Dfc, default: tuple[str, ...]
) -> None:
    status, out, err = dfc("evaluate", *default, *TAUGHT, "--output", "a")
    assert status == 0, err
    found = points("a")
    assert (found[UNCODED].map, found[UNCODED].map_area, found[UNCODED].images) == (1, 1, PICTURES)
    coarse, lossless = (found[f"max_5 tiled 8-bit HEVC {qp}"].map for qp in ("qp42", "lossless"))
    assert coarse < lossless <= 1
    assert truth("a").startswith("teacher default.weights ")
    network, boxes = lively(0), []
    for example in VOCDataset("data/shapes", ["Shapes/test"], network.size, SHAPES):  # type: ignore[attr-defined]
        with torch.no_grad():
            (sure,) = network.detect(network(example["image"][None]), 0.5, 0.45)
        boxes.append(len(sure["labels"]))
    assert 0 in boxes  # a picture in which the teacher finds nothing stays in the set
    outcomes = load_outcomes(Path("a/outcomes.npz"))[UNCODED]
    assert len(outcomes.images) == PICTURES
    counted = np.bincount(outcomes.truths[:, 0], weights=outcomes.truths[:, 2], minlength=PICTURES)
    assert counted.tolist() == boxes
    out = " ".join(out.split())
    assert f"They are {sum(boxes)} boxes in {np.count_nonzero(boxes)} pictures." in out
    assert "what the teacher default.weights finds in uncoded pictures with a score above 0.5" in out
    assert "(mAP against the teacher default.weights)" in out
    assert "BD-KBPI-mAP against the teacher default.weights" in out
    for page in ("points.md", "table1.md"):
        assert "what the teacher default.weights finds" in Path("a", page).read_text()


def test_the_annotations_are_not_looked_at_and_nothing_is_coded_again(dfc: Dfc, default: tuple[str, ...]) -> None:
    assert dfc("evaluate", *default, *SWEEP, "--output", "annotated")[0] == 0
    assert truth("annotated") == "annotations"
    status, out, _ = dfc("evaluate", *default, *TAUGHT, "--output", "a")
    assert status == 0
    assert re.search(rf"0 coded, {5 * PICTURES} found", out)
    assert points("a")[UNCODED].map != points("annotated")[UNCODED].map
    for path in Path("data/shapes/Shapes/Annotations").iterdir():
        path.write_text(re.sub("<object>.*</object>", "", path.read_text(), flags=re.S))
    assert dfc("evaluate", *default, *TAUGHT, "--output", "b")[0] == 0
    assert [Path("a", name).read_bytes() for name in FILES] == [Path("b", name).read_bytes() for name in FILES]


def test_a_folder_of_pictures_measures_what_a_devkit_of_them_does(dfc: Dfc, default: tuple[str, ...]) -> None:
    assert dfc("evaluate", *default, *TAUGHT, "--output", "devkit")[0] == 0
    names = Path("data/shapes/Shapes/ImageSets/Main/test.txt").read_text().split()
    Path("trip").mkdir()
    for name in names:
        shutil.copy(f"data/shapes/Shapes/JPEGImages/{name}.jpg", "trip")
    folder = ("--data", "lightning_app.data.PicturesDataModule", "--data.root", "trip", "--data.workers", "0")
    status, out, err = dfc("evaluate", *default, *folder, *TAUGHT, "--output", "folder")
    assert status == 0, err
    assert f"0 coded, {5 * PICTURES} found" in out
    assert Path("folder/points.csv").read_bytes() == Path("devkit/points.csv").read_bytes()
    status, _, err = dfc("evaluate", *default, *folder, *SWEEP)
    assert status == 2
    assert "has no annotations to measure against: give a devkit" in err
    assert "dfc evaluate --truth teacher" in err


def test_other_weights_are_measured_against_the_same_teacher_whatever_its_file(
    dfc: Dfc, default: tuple[str, ...]
) -> None:
    save_checkpoint(lively(0), Path("same.ckpt"), CFG)
    retrained = (*default, "--model.weights", "retrained.weights")
    assert dfc("evaluate", *default, *TAUGHT, "--output", "default")[0] == 0
    assert dfc("evaluate", *retrained, *TAUGHT, "--teacher", "default.weights", "--output", "retrained")[0] == 0
    assert dfc("evaluate", *retrained, *TAUGHT, "--teacher", "same.ckpt", "--output", "again")[0] == 0
    assert dfc("evaluate", *default, *TAUGHT, "--teacher", "same.ckpt", "--output", "itself")[0] == 0
    assert 0 < points("retrained")[UNCODED].map < 0.9
    assert points("itself")[UNCODED].map == 1
    truths = [truth(name).rpartition(" ") for name in ("default", "retrained", "again", "itself")]
    assert [name for name, _, _ in truths] == ["teacher default.weights"] * 2 + ["teacher same.ckpt"] * 2
    assert len({digest for _, _, digest in truths}) == 1
    assert Path("retrained/images.csv").read_bytes() == Path("again/images.csv").read_bytes()
    folders = [Path("retrained"), Path("again")]
    pooled = pool_runs(folders, Path("default"), resamples=20).points
    assert {point.name: point.map for point in pooled} == {name: one.map for name, one in points("again").items()}
    compared = compare_runs(("ours", folders[:1]), ("theirs", [Path("default")]), resamples=20)
    assert {row.truth for row in compared} == {truth("retrained")}
    assert dfc("report", "default", "retrained")[0] == 0


def test_results_of_different_truths_are_never_mixed(dfc: Dfc, default: tuple[str, ...]) -> None:
    retrained = (*default, "--model.weights", "retrained.weights")
    runs = {
        "annotated": (*default, *SWEEP),
        "own": (*default, *TAUGHT),
        "other": (*retrained, *TAUGHT),
        "nms": (*default, *TAUGHT, "--model.nms_threshold", "0.3"),
    }
    for name, run in runs.items():
        assert dfc("evaluate", *run, "--output", name)[0] == 0
    sentence = "results of different truths cannot be compared"
    for name in ("annotated", "other", "nms"):
        with pytest.raises(DataError, match=sentence):
            pool_runs([Path("own")], Path(name), resamples=20)
        with pytest.raises(DataError, match=sentence):
            compare_runs(("ours", [Path("own")]), ("theirs", [Path(name)]), resamples=20)
        status, _, err = dfc("report", "own", name, "--output", "mixed")
        assert (status, err.count("\n")) == (2, 1)
        assert sentence in err
        assert "evaluate them all with the same --truth and --teacher" in err
    assert not Path("mixed").exists()
    Path("own/points.csv").write_bytes(Path("annotated/points.csv").read_bytes())
    with pytest.raises(DataError, match="its files are of different evaluations"):
        pool_runs([Path("own")], Path("own"), resamples=20)


def test_two_ranks_have_the_same_teacher_as_one(dfc: Dfc, default: tuple[str, ...]) -> None:
    run = ("evaluate", *default, *TAUGHT, "--teacher", "retrained.weights")
    assert dfc(*run, "--output", "one")[0] == 0
    ranks = ("--trainer.devices", "2", "--trainer.strategy", "ddp", "--output", "two")
    command = [sys.executable, "-m", "lightning_app", *run, *ranks]
    result = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ})
    assert result.returncode == 0, result.stderr
    assert [Path("one", name).read_bytes() for name in FILES] == [Path("two", name).read_bytes() for name in FILES]


def test_a_teacher_that_finds_nothing_is_refused(dfc: Dfc, tiny: tuple[str, ...]) -> None:
    status, _, err = dfc("evaluate", *tiny, *TAUGHT)
    assert status == 2
    assert "nothing can be measured against the teacher initial weights: it finds no box with a score above 0.5" in err


def test_a_mistake_about_the_teacher_is_one_sentence(dfc: Dfc, default: tuple[str, ...]) -> None:
    save_weights(Network.from_cfg("configs/networks/yolo-lite.cfg"), "lite.weights")
    for options, sentence in (
        (("--teacher", "default.weights"), "--teacher default.weights is given, and --truth is annotations: set"),
        (("--truth", "teacher", "--teacher", "absent.weights"), "absent.weights cannot be read"),
        (("--truth", "teacher", "--teacher", "lite.weights"), "was made for another .cfg"),
        (("--truth", "teachers"), "teachers"),
    ):
        status, _, err = dfc("evaluate", *default, *SWEEP, *options)
        assert status == 2
        assert sentence in err
        assert "Traceback" not in err


@pytest.mark.parametrize("resize", ["plain", "letterbox"])
def test_a_teachers_boxes_lie_in_the_input_where_the_network_found_them(tmp_path: Path, resize: Resize) -> None:
    """Those that reach beyond the picture are cut at its edges, as annotated ones are."""
    draw(tmp_path, 1, PICTURES)
    network, edge = lively(0), 0.02  # more than a pixel, which is what is lost at an edge
    data = VOCDataset(tmp_path, ["Shapes/test"], (96, 160), SHAPES, resize=resize)
    detector = Detector(str(CFG))
    detector.network.load_state_dict(network.state_dict())
    teacher, seen = TeacherTruth.of(detector.eval(), None), 0
    assert teacher.network is detector.network
    for example in data:  # type: ignore[attr-defined]
        model = Model(detector.network, "", resize)
        with torch.no_grad():
            (found,) = network.detect(network(example["image"][None]), 0.5, 0.45)
            target = teacher.target(Photo(example["image"][None], example["target"], model, ()))
        assert target["labels"].tolist() == found["labels"].tolist()
        assert not target["difficult"].any()
        left, top, right, bottom = target["window"]
        inside = (found["boxes"] > torch.tensor([left, top, left, top])).all(dim=1)
        inside &= (found["boxes"] < torch.tensor([right, bottom, right, bottom]) - edge).all(dim=1)
        torch.testing.assert_close(target["boxes"][inside], xyxy_to_cxcywh(found["boxes"][inside]), rtol=0, atol=1e-5)
        seen += int(inside.sum())
    assert seen
