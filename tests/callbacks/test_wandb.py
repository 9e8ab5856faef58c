"""Weights & Biases offline: the run's own file, read back."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from pytorch_lightning.loggers import WandbLogger

from lightning_app.callbacks.wandb_points import log_classes, log_points
from lightning_app.records.classes import ClassRow
from lightning_app.records.differences import Difference
from lightning_app.records.points import Point

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
]
ROOT = Path(__file__).parents[2]


def test_a_runs_own_file_holds_config_losses_and_points_by_qp(fit: Any) -> None:
    history, config = fit.logged.history, fit.logged.config
    for term in ("loss", "loss_box", "loss_objectness", "loss_class", "loss_prior", "kbpi"):
        assert f"train/{term}" in history
    for name in ("map_lossless", "map_qp37", "kbpi_lossless", "kbpi_qp37"):
        assert f"val/{name}" in history
    assert any(name.startswith("lr-SGD") for name in history)
    assert history["trainer/global_step"] == 5
    assert config["model"]["channel"]["init_args"]["split"] == "max_5"
    rows = fit.logged.table("val/points")
    assert [row["qp"] for row in rows] == ["lossless", "37"]
    assert rows[0]["kbpi"] == pytest.approx(history["val/kbpi_lossless"])
    classes = [row["class_name"] for row in fit.logged.table("val/classes")]
    assert len(classes) == 2 * len(set(classes)) == 10


def test_everything_of_a_validation_is_at_its_step(fit: Any) -> None:
    steps: dict[str, int] = {}
    for row in fit.logged.rows:
        steps |= {key.split("/")[1]: row.get("trainer/global_step") for key in row if key.startswith("val/")}
    assert {"map", "points", "curves_table", "gallery_qp37", "features_qp37"} <= set(steps)
    assert set(steps.values()) == {5}


def test_the_chart_of_a_fit_is_the_line_of_its_points(fit: Any) -> None:
    chart = fit.logged.config["_wandb/visualize/val/curves"]
    assert chart["panel_type"] == "Vega2"
    assert chart["panel_config"]["stringSettings"]["xname"] == "KBPI"
    points = sorted(fit.logged.table("val/points"), key=lambda row: row["kbpi"])
    line = [(row["step"], row["lineKey"], row["lineVal"]) for row in fit.logged.table("val/curves_table")]
    assert line == [(row["kbpi"], "max_5 tiled 8-bit HEVC", 100 * row["map"]) for row in points]


def test_the_checkpoint_is_an_artifact_on_request(fit: Any) -> None:
    (model,) = (artifact for artifact in fit.logged.artifacts if artifact.type == "model")
    (file,) = model.manifest.contents
    assert file.path == "model.ckpt"
    assert file.size == (fit.folder / "checkpoints/demo/plain/last.ckpt").stat().st_size
    assert json.loads(model.metadata)["original_filename"] == "last.ckpt"


def test_an_evaluation_logs_a_line_a_curve(fit: Any, tmp_path: Path, end_wandb: Callable[[Path], Any]) -> None:
    sweep = ("--splits", "[max_3,max_5]", "--qps", "[22,37]", "--anchor.qps", "[original,22,37]")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WANDB_MODE", "offline")
        fit.command(tmp_path, "evaluate", "-c", "configs/wandb.yaml", *sweep)
        logged = end_wandb(tmp_path / "runs")
    lines = {row["lineKey"] for row in logged.table("test/curves_table")}
    assert lines == {"max_3 tiled 8-bit HEVC", "max_5 tiled 8-bit HEVC", "cloud-only HEVC420"}
    assert len(logged.table("test/points")) == 7


def test_an_offline_run_opens_no_connection(fit: Any) -> None:
    assert fit.requests == []


def test_every_sweep_goes_by_a_metric_that_a_fit_logs(fit: Any) -> None:
    for path in (ROOT / "configs/sweeps").glob("*.yaml"):
        assert yaml.safe_load(path.read_text())["metric"]["name"] in fit.logged.history


def point(split: str, qp: str, kbpi: float, accuracy: float) -> Point:
    system, layout, codec, bits = ("feature", "tiled", "HEVC", "8") if split else ("cloud-only", "", "HEVC420", "")
    return Point(
        system=system,
        network="n.cfg",
        weights="",
        split=split,
        layout=layout,
        codec=codec,
        depth=bits,
        qp=qp,
        images=9,
        kbpi=kbpi,
        kbpi_std=0.0,
        map=accuracy,
        map_area=accuracy,
        seed=0,
    )


POINTS = [
    point("max_3", "22", 40.0, 0.5),
    point("max_3", "37", 10.0, 0.25),
    point("max_5", "22", float("nan"), 0.5),
    point("max_5", "27", 30.0, 0.5),
    point("max_5", "37", 8.0, 0.25),
    point("max_7", "22", 9.0, 0.5),
    point("", "22", 80.0, 0.75),
    point("", "37", 20.0, 0.5),
]
MAX_3, MAX_5, WHOLE = "max_3 tiled 8-bit HEVC", "max_5 tiled 8-bit HEVC", "cloud-only HEVC420"


CLASSES = [ClassRow(f"{MAX_3} qp22", "cat", 7, 0.25, 0.2), ClassRow(f"{MAX_3} qp22", "dog", 0, None, None)]


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory, end_wandb: Callable[[Path], Any]) -> Any:
    """What `log_points` logs of several curves and their differences."""
    folder = tmp_path_factory.mktemp("points")
    differences = [
        Difference(MAX_3, "max_3", "", WHOLE, bd_kbpi_cubic=-60.0, bd_kbpi=-59.5, bd_kbpi_low=-70.0, bd_map=0.02),
        Difference(MAX_5, "max_5", "", WHOLE, note="the curves do not overlap", truth="teacher a.ckpt 5f0c1b2a9d3e"),
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WANDB_MODE", "offline")
        logger = WandbLogger(project="points", save_dir=str(folder))
        log_points(logger, "test", POINTS, differences, step=3)
        log_classes(logger, "test", CLASSES, step=3)
        return end_wandb(folder)


def test_curves_have_a_line_each_of_the_points_with_a_rate_if_there_are_two(logged: Any) -> None:
    lines = [(row["lineKey"], row["step"], row["lineVal"]) for row in logged.table("test/curves_table")]
    assert lines == [
        (MAX_3, 10.0, 25.0),
        (MAX_3, 40.0, 50.0),
        (MAX_5, 8.0, 25.0),
        (MAX_5, 30.0, 50.0),
        (WHOLE, 20.0, 50.0),
        (WHOLE, 80.0, 75.0),
    ]
    assert logged.history["trainer/global_step"] == 3


def test_every_class_is_in_a_table_and_one_without_objects_has_no_precision(logged: Any) -> None:
    assert [tuple(row.values()) for row in logged.table("test/classes")] == [
        (f"{MAX_3} qp22", "cat", 7, 0.25, 0.2),
        (f"{MAX_3} qp22", "dog", 0, None, None),
    ]


def test_every_point_is_in_the_table(logged: Any) -> None:
    rows = logged.table("test/points")
    assert [(row["split"], row["qp"], row["map"]) for row in rows] == [(p.split, p.qp, p.map) for p in POINTS]


def test_the_summary_has_the_bd_numbers_that_there_are_and_names_a_teacher(logged: Any) -> None:
    assert {key: value for key, value in logged.summary.items() if key.startswith("bd/")} == {
        f"bd/{MAX_3}/kbpi_percent_cubic": -60.0,
        f"bd/{MAX_3}/kbpi_percent": -59.5,
        f"bd/{MAX_3}/kbpi_percent_low": -70.0,
        f"bd/{MAX_3}/map": 0.02,
        f"bd/{MAX_5}/truth": "teacher a.ckpt 5f0c1b2a9d3e",
    }


def test_no_checkpoint_is_an_artifact_unasked(logged: Any) -> None:
    assert {artifact.type for artifact in logged.artifacts} == {"run_table"}


def test_without_a_network_one_sentence_says_how_to_go_on(tiny: tuple[str, ...], workplace: Path) -> None:
    out_of_reach = {"WANDB_BASE_URL": "http://127.0.0.1:9", "WANDB_INIT_TIMEOUT": "1", "WANDB_MODE": "online"}
    known = {"WANDB_API_KEY": "0" * 40, "HOME": str(workplace), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "lightning_app", "fit", *tiny, "-c", "configs/wandb.yaml"]
    environment = {**os.environ, **out_of_reach, **known}
    run = subprocess.run(command, env=environment, text=True, capture_output=True, check=False)
    assert run.returncode == 2
    last = run.stderr.strip().splitlines()[-1]
    assert last.startswith("dfc: Weights & Biases: Timed out while retrying: ")
    assert last.endswith("; WANDB_MODE=offline keeps the run here, for `wandb sync` later")
    assert "Traceback" not in run.stderr
