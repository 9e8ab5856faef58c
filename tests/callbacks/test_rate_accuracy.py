"""Tables and `points.csv` of an evaluation of one curve or several."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pytorch_lightning import LightningModule, Trainer

from lightning_app.callbacks import RateAccuracy
from lightning_app.records.classes import class_rows
from lightning_app.records.points import Point, read_points

POINT = Point(
    system="feature",
    network="n.cfg",
    weights="",
    split="max_3",
    layout="tiled",
    codec="HEVC",
    depth="8",
    qp="22",
    images=9,
    kbpi=40.0,
    kbpi_std=1.0,
    map=0.5,
    map_area=0.5,
    seed=0,
)
POINTS = [POINT, replace(POINT, split="max_5"), replace(POINT, qp="37")]


class Measured(LightningModule):
    """A module that has measured."""

    points = POINTS


def trainer(folder: Path) -> Trainer:
    return Trainer(logger=False, accelerator="cpu", barebones=False, default_root_dir=folder)


def test_every_curve_has_a_table_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    RateAccuracy().on_test_end(trainer(tmp_path), Measured())
    first, second = capsys.readouterr().out.split("Split at ")[1:]
    assert first.startswith("max_3")
    assert first.count("40.00") == 2
    assert second.startswith("max_5")
    assert second.count("40.00") == 1


def test_a_table_says_through_which_transform_the_features_went(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Measured, "points", [POINT, replace(POINT, transform="Bottleneck")])
    RateAccuracy().on_test_end(trainer(tmp_path), Measured())
    out = " ".join(capsys.readouterr().out.split())  # a title as wide as its table has two lines
    assert "Split at max_3, 8 bits tiled, HEVC, 9 pictures" in out
    assert "Split at max_3, Bottleneck, 8 bits tiled, HEVC, 9 pictures" in out


def test_cocos_numbers_have_columns_where_they_were_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    RateAccuracy().on_test_end(trainer(tmp_path), Measured())
    assert "COCO" not in capsys.readouterr().out
    monkeypatch.setattr(Measured, "points", [replace(POINT, map75=0.1234, map_coco=0.2345)])
    RateAccuracy(str(tmp_path)).on_test_end(trainer(tmp_path), Measured())
    assert "12.34 │ 23.45 │" in capsys.readouterr().out
    assert read_points(tmp_path / "points.csv") == Measured.points


def test_points_go_to_the_loggers_folder_or_to_the_one_that_is_given(tmp_path: Path) -> None:
    run = trainer(tmp_path / "logger")
    RateAccuracy().on_test_end(run, Measured())
    RateAccuracy(str(tmp_path / "given")).on_test_end(run, Measured())
    for name in ("logger", "given"):
        assert read_points(tmp_path / name / "points.csv") == POINTS


def test_the_precision_of_each_class_stands_beside_the_points(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    values: dict[str, list[float]] = {"objects": [3, 0], "ap": [0.25, math.nan], "ap_area": [0.2, math.nan]}
    rows = [row for point in POINTS for row in class_rows(point.name, ["cat", "dog"], values)]
    monkeypatch.setattr(Measured, "class_rows", rows, raising=False)
    RateAccuracy(str(tmp_path)).on_test_end(trainer(tmp_path), Measured())
    lines = (tmp_path / "classes.csv").read_text().splitlines()
    assert lines[:3] == [
        "point,class_name,objects,ap,ap_area",
        "max_3 tiled 8-bit HEVC qp22,cat,3,0.25,0.2",
        "max_3 tiled 8-bit HEVC qp22,dog,0,,",
    ]
    assert len(lines) == 1 + 2 * len(POINTS)
    assert f"Written to {tmp_path}/points.csv and classes.csv" in capsys.readouterr().out


@pytest.mark.parametrize("named", [False, True], ids=["by itself", "named too"])
def test_a_test_shows_its_table_once_whether_the_callback_is_named_or_not(
    dfc: Callable[..., tuple[int, str, str]], workplace: Path, named: bool
) -> None:
    sets = ("--data", "ShapesDataModule", "--data.train_pictures", "2", "--data.test_pictures", "2")
    callback = ("--trainer.callbacks", "lightning_app.callbacks.RateAccuracy") if named else ()
    quiet = ("--trainer.logger", "false", "--trainer.enable_progress_bar", "false", "--data.workers", "0")
    status, out, err = dfc("test", "--model.network", "shapes", *sets, *callback, *quiet)
    assert status == 0, err
    assert out.count("The whole network on original pictures, 2 pictures") == 1
