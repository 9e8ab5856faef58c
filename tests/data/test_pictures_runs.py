"""Runs on a folder of pictures: they train without boxes, validate nothing, and measure nothing."""

import csv
import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from lightning_app.criteria import DetectionLoss, Sum
from lightning_app.data import PicturesDataModule, VOCDataModule
from lightning_app.errors import OptionError
from lightning_app.unannotated import check_trainable, is_annotated

sys.path.append(str(Path(__file__).parent))  # as the folder of a researcher is
heads_alone = importlib.import_module("heads_alone")

Dfc = Callable[..., Any]
WritePictures = Callable[..., Path]
NAMES = tuple(f"{i:02d}.png" for i in range(10))


def test_only_a_criterion_without_boxes_is_trained_without_them() -> None:
    pictures, devkit = PicturesDataModule("here"), VOCDataModule("here")
    assert (is_annotated(pictures), is_annotated(devkit)) == (False, True)
    check_trainable(Sum({"heads": heads_alone.HeadsAlone(), "again": heads_alone.HeadsAlone()}), pictures)
    for criterion in (
        DetectionLoss(),
        Sum({"heads": heads_alone.HeadsAlone(), "inner": Sum({"boxes": DetectionLoss()})}),
    ):
        with pytest.raises(OptionError, match="DetectionLoss learns from boxes, and PicturesDataModule has none: give"):
            check_trainable(criterion, pictures)


@pytest.fixture
def few(write_pictures: WritePictures, workplace: Path) -> tuple[str, ...]:
    """Options for runs of seconds on ten pictures: five steps an epoch."""
    write_pictures(*NAMES)
    run = {
        "model": {"network": "configs/networks/shapes.cfg", "channel": None, "burn_in": 0},
        "data": {
            "class_path": "lightning_app.data.PicturesDataModule",
            "init_args": {"root": "pictures", "batch_size": 2, "workers": 0, "size": 64},
        },
        "trainer": {
            "accelerator": "cpu",
            "max_epochs": 2,
            "log_every_n_steps": 1,
            "enable_progress_bar": False,
            "enable_model_summary": False,
        },
    }
    (workplace / "few.yaml").write_text(yaml.safe_dump(run))
    return ("-c", "few.yaml")


ALONE = ("--model.criterion", "heads_alone.HeadsAlone")
quiet = pytest.mark.filterwarnings("ignore:.*does not have many workers")


def told(caplog: pytest.LogCaptureFixture) -> str:
    (line,) = [line for line in caplog.messages if "annotations" in line]
    return line.removeprefix("PicturesDataModule has no annotations: ")


@pytest.mark.slow
@quiet
@pytest.mark.parametrize("name", ["yolo_lite", "demo/plain"])
def test_a_fit_without_annotations_trains_leaves_its_weights_and_says_where(
    dfc: Dfc, few: tuple[str, ...], caplog: pytest.LogCaptureFixture, name: str
) -> None:
    """The one config saves the best by val/map too, the other saves after validations, which it has in epoch 20."""
    result = dfc("fit", "-c", f"configs/{name}.yaml", *few, *ALONE)
    assert result.status == 0, result.err
    assert told(caplog) == f"nothing is validated, and the weights go to checkpoints/{name}/last.ckpt"
    assert [path.name for path in Path("checkpoints", name).iterdir()] == ["last.ckpt"]
    last = torch.load(f"checkpoints/{name}/last.ckpt", weights_only=True)
    assert (last["global_step"], last["epoch"], last["seen"]) == (10, 1, 20)
    with Path(f"runs/{name}/version_0/metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert not [column for column in rows[0] if column.startswith("val/")]
    losses = [float(row["train/loss_heads"]) for row in rows if row["train/loss_heads"]]
    assert losses[-1] < losses[0]
    assert "mAP" not in result.out


@pytest.mark.slow
@quiet
def test_a_run_resumed_from_any_step_ends_at_the_same_bits(dfc: Dfc, few: tuple[str, ...]) -> None:
    """Step 5 is the last of the first epoch, behind which a validation would come."""
    options = {"dirpath": "steps", "filename": "{step}", "every_n_train_steps": 1, "save_top_k": -1}
    saving = {"class_path": "pytorch_lightning.callbacks.ModelCheckpoint", "init_args": options}
    Path("steps.yaml").write_text(yaml.safe_dump({"trainer": {"callbacks": [saving]}}))
    command = ("fit", "-c", "configs/demo/plain.yaml", *few, *ALONE, "-c", "steps.yaml")
    result = dfc(*command)
    assert result.status == 0, result.err
    whole = torch.load("steps/step=10.ckpt", weights_only=True)
    for step in (3, 5, 9):
        Path("steps/step=10.ckpt").unlink()
        result = dfc(*command, "--ckpt_path", f"steps/step={step}.ckpt")
        assert result.status == 0, result.err
        resumed = torch.load("steps/step=10.ckpt", weights_only=True)
        assert (resumed["epoch"], resumed["seen"]) == (whole["epoch"], whole["seen"])
        for name, tensor in whole["state_dict"].items():
            assert torch.equal(tensor, resumed["state_dict"][name]), (step, name)


@pytest.mark.slow
@quiet
def test_predict_writes_what_is_found_by_the_pictures_place_in_the_folder(
    dfc: Dfc, few: tuple[str, ...], write_pictures: WritePictures
) -> None:
    write_pictures("trip/a.png")
    command = ("predict", "-c", "configs/yolo_lite.yaml", *few, "--model.score_threshold", "0.0")
    result = dfc(*command)
    assert result.status == 0, result.err
    found = json.loads(Path("runs/yolo_lite/version_0/detections.json").read_text())
    assert [picture["id"] for picture in found] == [*NAMES, "trip/a.png"]
    assert {one["class"] for picture in found for one in picture["detections"]} <= {f"class_{i}" for i in range(5)}
    assert any(picture["detections"] for picture in found)


@pytest.mark.parametrize("command", ["test", "validate", "evaluate"])
def test_measuring_without_annotations_is_refused_in_one_sentence(dfc: Dfc, few: tuple[str, ...], command: str) -> None:
    result = dfc(command, "-c", "configs/demo/plain.yaml", *few)
    sentence = (
        "dfc: PicturesDataModule has no annotations to measure against: give a devkit (--data VOCDataModule), "
        "measure what coding changes by dfc evaluate --truth teacher, or let dfc predict write what is found"
    )
    assert (result.status, result.err.splitlines()[-1]) == (2, sentence)
    assert not Path("runs/cache").exists()


def callbacks(name: str, **options: object) -> None:
    one = {"class_path": f"pytorch_lightning.callbacks.{name}", "init_args": options}
    Path("callbacks.yaml").write_text(yaml.safe_dump({"trainer": {"callbacks": [one]}}))


@pytest.mark.parametrize(("name", "options"), [("ModelCheckpoint", {"dirpath": "best"}), ("EarlyStopping", {})])
def test_a_run_that_cannot_go_by_what_it_shall_go_by_is_refused(
    dfc: Dfc, few: tuple[str, ...], name: str, options: dict[str, str]
) -> None:
    callbacks(name, monitor="val/map", mode="max", **options)
    result = dfc("fit", "-c", "configs/demo/plain.yaml", *few, *ALONE, "-c", "callbacks.yaml")
    why = f"dfc: {name} goes by val/map, and with PicturesDataModule nothing is validated: give a devkit"
    assert result.status == 2
    assert result.err.splitlines()[-1].startswith(why)


@pytest.mark.slow
@quiet
@pytest.mark.parametrize(
    ("options", "where"),
    [
        (
            {"dirpath": "best", "monitor": "train/loss_epoch"},
            "the weights go to the folder best",
        ),
        (None, "no checkpoint is written, because the run has no ModelCheckpoint"),
    ],
)
def test_what_becomes_of_the_weights_is_said_as_it_is(
    dfc: Dfc, few: tuple[str, ...], caplog: pytest.LogCaptureFixture, options: dict[str, str] | None, where: str
) -> None:
    if options is None:
        Path("callbacks.yaml").write_text("trainer: {callbacks: [], enable_checkpointing: false}")
    else:
        callbacks("ModelCheckpoint", **options)
    result = dfc("fit", "-c", "configs/demo/plain.yaml", *few, *ALONE, "-c", "callbacks.yaml")
    assert result.status == 0, result.err
    assert told(caplog) == f"nothing is validated, and {where}"
    assert [path.name for path in Path().glob("best/*")] == ([] if options is None else ["epoch=1-step=10.ckpt"])


def test_a_criterion_that_learns_from_boxes_is_refused_before_a_step(dfc: Dfc, few: tuple[str, ...]) -> None:
    result = dfc("fit", "-c", "configs/demo/plain.yaml", *few)
    assert result.status == 2
    assert result.err.splitlines()[-1] == (
        "dfc: DetectionLoss learns from boxes, and PicturesDataModule has none: give a devkit (--data VOCDataModule), "
        "or a --model.criterion that needs none"
    )
