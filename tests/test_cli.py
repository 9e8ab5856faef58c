"""The commands as a user gives them: real configs, real training, real coding, real files."""

import csv
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from lightning_app.records.points import Point, read_points

pytestmark = [
    pytest.mark.slow,
    # Lightning's advice on loader workers.
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
]

Dfc = Callable[..., tuple[int, str, str]]
CHANNEL = ("--model.channel.split", "max_5", "--model.channel.qps", "[lossless,37]")


PLAIN = "checkpoints/demo/plain/last.ckpt"


def saved(checkpoint: str = PLAIN) -> dict[str, Any]:
    content: dict[str, Any] = torch.load(checkpoint, weights_only=True)
    return content


def points(name: str = "plain", version: int = 0) -> list[Point]:
    return read_points(Path(f"runs/demo/{name}/version_{version}/points.csv"))


def metrics(name: str, version: int = 0) -> list[dict[str, str]]:
    with Path(f"runs/demo/{name}/version_{version}/metrics.csv").open() as file:
        return list(csv.DictReader(file))


def test_fit_trains_through_the_codec_and_its_checkpoint_tests(dfc: Dfc, tiny: tuple[str, ...]) -> None:
    status, out, err = dfc("fit", *tiny, *CHANNEL, "--trainer.max_epochs", "4")
    assert status == 0, err
    rows = metrics("plain")
    losses = [float(row["train/loss"]) for row in rows if row["train/loss"]]
    assert len(losses) == 24
    assert sum(losses[-6:]) < 0.8 * sum(losses[:6])
    means = [float(row["train/loss_epoch"]) for row in rows if row["train/loss_epoch"]]
    assert means == pytest.approx([sum(losses[6 * i : 6 * i + 6]) / 6 for i in range(4)], rel=1e-4)
    terms = [f"train/loss_{term}" for term in ("box", "objectness", "class", "prior")]
    assert sum(float(rows[0][term]) for term in terms) == pytest.approx(losses[0], rel=1e-4)
    assert len({row["train/kbpi"] for row in rows if row["train/kbpi"]}) > 12
    last = [row for row in rows if row["val/map"]][-1]
    maps = [float(last["val/map_lossless"]), float(last["val/map_qp37"])]
    assert float(last["val/map"]) == pytest.approx(sum(maps) / 2)
    assert float(last["val/kbpi_lossless"]) > 3 * float(last["val/kbpi_qp37"])
    status, out, err = dfc("test", *tiny, *CHANNEL, "--ckpt_path", PLAIN)
    assert status == 0, err
    assert "Split at max_5, 8 bits tiled, HEVC, 9 pictures" in out
    lossless, lossy = points(version=1)
    assert (lossless.qp, lossy.qp, lossy.split, lossy.images) == ("lossless", "37", "max_5", 9)
    assert [lossless.map, lossy.map] == pytest.approx(maps, abs=1e-6)
    assert lossy.kbpi == pytest.approx(float(last["val/kbpi_qp37"]))


def test_a_resumed_run_ends_at_the_weights_of_one_that_was_not_stopped(dfc: Dfc, tiny: tuple[str, ...]) -> None:
    run = ("fit", *tiny, *CHANNEL, "--data.workers", "1", "--trainer.accumulate_grad_batches", "2")
    assert dfc(*run)[0] == 0
    whole = saved()
    Path("checkpoints").rename("whole")
    assert dfc(*run, "--trainer.max_epochs", "1")[0] == 0
    assert (saved()["seen"], whole["seen"]) == (24, 48)
    assert dfc(*run, "--ckpt_path", "last")[0] == 0
    resumed = saved()
    assert (resumed["seen"], resumed["global_step"]) == (48, 6)
    assert resumed["state_dict"].keys() == whole["state_dict"].keys()
    for name, tensor in whole["state_dict"].items():
        assert torch.equal(resumed["state_dict"][name], tensor), name


def test_the_last_checkpoint_is_the_last_epochs_though_it_is_not_the_best(
    dfc: Dfc, tiny: tuple[str, ...], workplace: Path
) -> None:
    shipped = ("-c", "configs/yolo_lite.yaml", *tiny[2:], "--model.network", "configs/networks/shapes.cfg")
    status, _, err = dfc("fit", *shipped, "--model.score_threshold", "0.999")  # mAP is 0, and never better
    assert status == 0, err
    assert saved("checkpoints/yolo_lite/last.ckpt")["global_step"] == 12
    assert [path.name for path in Path("checkpoints/yolo_lite").glob("0-*.ckpt")] == ["0-0.0000.ckpt"]


def test_the_command_line_decides_not_the_checkpoint(dfc: Dfc, tiny: tuple[str, ...], one_epoch: str) -> None:
    checkpoint = ("--ckpt_path", one_epoch)
    other = ("--model.channel.split", "max_7", "--model.channel.depth", "10", "--model.channel.qps", "[22]")
    assert dfc("test", *tiny, *other, *checkpoint, "--model.nms_threshold", "0.3")[0] == 0
    assert dfc("test", *tiny, "--model.channel=null", *checkpoint)[0] == 0
    (cut,), (plain,) = points(version=0), points(version=1)
    assert (cut.split, cut.depth, cut.qp) == ("max_7", "10", "22")
    assert (plain.system, plain.split) == ("cloud-only", "")
    assert cut.weights == plain.weights == checkpoint[1]
    assert "nms_threshold: 0.3\n" in Path("runs/demo/plain/version_0/config.yaml").read_text()


def test_a_measurement_without_a_logger_leaves_no_config_in_the_current_folder(
    dfc: Dfc, tiny: tuple[str, ...], one_epoch: str
) -> None:
    silent = ("--trainer.logger", "false", "--ckpt_path", one_epoch)
    assert dfc("test", *tiny, *silent)[0] == 0
    assert not Path("config.yaml").exists()
    assert dfc("fit", *tiny, "--trainer.logger", "false", "--trainer.max_epochs", "1")[0] == 0
    assert Path("config.yaml").exists()


def test_weights_are_taken_from_a_checkpoint_too(dfc: Dfc, tiny: tuple[str, ...], one_epoch: str) -> None:
    assert dfc("test", *tiny, "--ckpt_path", one_epoch)[0] == 0
    assert dfc("test", *tiny, "--model.weights", one_epoch)[0] == 0
    assert points(version=0) == points(version=1)
    assert dfc("test", *tiny)[0] == 0
    assert points(version=0) != points(version=2)
    status, _, err = dfc(
        "test", *tiny, "--model.weights", one_epoch, "--model.network", "configs/networks/yolo-lite.cfg"
    )
    assert status == 2
    assert "last.ckpt holds 72,989 values in 32 tensors and the network needs 574,195" in err
    assert "made for another .cfg" in err


def test_predict_writes_every_picture_at_every_qp_in_pixels(dfc: Dfc, tiny: tuple[str, ...], workplace: Path) -> None:
    (workplace / "predict.yaml").write_text(
        "trainer: {callbacks: [{class_path: lightning_app.callbacks.DetectionsWriter}]}"
    )
    status, _, err = dfc("predict", *tiny, "-c", "predict.yaml", *CHANNEL, "--model.score_threshold", "0.01")
    assert status == 0, err
    found = json.loads(Path("runs/demo/plain/version_0/detections.json").read_text())
    assert sorted({row["id"] for row in found}) == [f"Shapes/{i:06d}" for i in range(24, 33)]
    assert [row["qp"] for row in found].count(37) == [row["qp"] for row in found].count("lossless") == 9
    boxes = [detection["box"] for row in found for detection in row["detections"]]
    assert boxes
    assert all(1 <= value <= 160 for box in boxes for value in box)
    coco = json.loads(Path("runs/demo/plain/version_0/coco.37.json").read_text())
    assert len(coco) == sum(len(row["detections"]) for row in found if row["qp"] == 37)
    assert {one["image_id"] for one in coco} <= {row["id"] for row in found}
    assert Path("runs/demo/plain/version_0/coco.lossless.json").exists()


RECORDER = """
import json
import os
import re
from pytorch_lightning import Callback

class Recorder(Callback):
    \"\"\"Writes down which pictures a rank sends at which QPs.\"\"\"

    def on_fit_start(self, trainer, module):
        file = open(f"sent.{trainer.world_size}.{trainer.global_rank}.jsonl", "a")
        submit = module.system.channel.submit
        def recorded(features, qps, codec=None):
            if module.training:
                print(json.dumps([trainer.current_epoch, self.ids, qps]), file=file, flush=True)
            return submit(features, qps, codec)
        module.system.channel.submit = recorded

    def on_train_batch_start(self, trainer, module, batch, batch_idx):
        self.ids = [target["id"] for target in batch["targets"]]
"""


def sent(ranks: int, rank: int) -> list[tuple[int, str, object]]:
    """(epoch, picture, QP) of everything that a rank sent."""
    lines = Path(f"sent.{ranks}.{rank}.jsonl").read_text().splitlines()
    return [(epoch, *pair) for epoch, ids, qps in map(json.loads, lines) for pair in zip(ids, qps, strict=True)]


def test_two_ranks_train_on_different_pictures_at_the_qps_that_one_rank_draws(
    dfc: Dfc, tiny: tuple[str, ...], workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workplace / "recorder.py").write_text(RECORDER)
    (workplace / "record.yaml").write_text("trainer: {callbacks+: {class_path: recorder.Recorder}}")
    monkeypatch.setenv("PYTHONPATH", str(workplace), prepend=os.pathsep)
    run = [sys.executable, "-m", "lightning_app", "fit", *tiny, "-c", "record.yaml", *CHANNEL]
    two = ["--trainer.devices", "2", "--trainer.strategy", "ddp", "--data.batch_size", "2"]
    for command in (run, [*run, *two]):
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr
    assert saved()["seen"] == 48
    one, first, second = sent(1, 0), sent(2, 0), sent(2, 1)
    assert len(first) == len(second) == 24
    assert not {row[:2] for row in first} & {row[:2] for row in second}
    assert sorted(one, key=str) == sorted([*first, *second], key=str)
    assert len({qp for _, _, qp in first}) == len({qp for _, _, qp in second}) == 2
    # What the two ranks measured while they trained is what one rank measures of the same weights.
    assert dfc("test", *tiny, *CHANNEL, "--ckpt_path", PLAIN)[0] == 0
    last = [row for row in metrics("plain", version=1) if row["val/map"]][-1]
    for point in points(version=2):
        assert float(last[f"val/map_{point.label}"]) == pytest.approx(point.map, abs=1e-7)
        assert float(last[f"val/kbpi_{point.label}"]) == pytest.approx(point.kbpi, rel=1e-6)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--model.channel.split", "max_8"], "no layer is named 'max_8'; the layers are conv_0, max_1, conv_2"),
        (["--model.channel.depth", "9"], "depth must be 8, 10 or 12, not 9"),
        (["--model.channel.qps", "[52]"], "QP must be lossless or 0 to 51, not 52"),
        (["--model.network", "absent.cfg"], "the network absent.cfg is not there; give a file, or one of darknet19, "),
        (
            ["--model.network", "absent.Detector"],
            "absent.Detector is neither a Darknet .cfg nor a detector that can be imported: No module named",
        ),
        (["--model.network", "unknown.cfg"], "unknown.cfg:4: section [upsampel] is not supported"),
        (["--model.weights", "short.weights"], "holds 700 floats and the network needs 72,984"),
        (["--model.network", "configs/networks/yolo-lite.cfg"], "the data has 5 classes and the network 20"),
        (["--data", "VOCDataModule", "--data.root", "."], "is no VOC devkit: it has no VOC2007/ImageSets"),
        (
            ["--model.metrics", "[coco]"],
            "model.metrics must have voc, which figures and checkpoints go by: give [voc, coco]",
        ),
        (["--data.size", "100"], "size must be a positive multiple of 32, not 100"),
        (["--ckpt_path", "absent.ckpt"], "the checkpoint absent.ckpt is not there"),
        (["--trainer.precision", "bf16-true"], "precision bf16-true would round boxes to whole pixels; use a -mixed"),
        (["--seed_everything", "-1"], "seed_everything must be a whole number, 0 or more, not -1"),
    ],
)
def test_a_mistake_is_answered_by_one_sentence(
    dfc: Dfc, tiny: tuple[str, ...], workplace: Path, options: list[str], sentence: str
) -> None:
    (workplace / "unknown.cfg").write_text("[net]\nwidth=32\nheight=32\n[upsampel]\n")
    (workplace / "short.weights").write_bytes(bytes(4) + bytes([2, 0, 0, 0]) + bytes(12) + bytes(4 * 700))
    status, _, err = dfc("test", *tiny, *options)
    assert status == 2
    last = err.strip().splitlines()[-1]
    assert sentence in last
    assert "Traceback" not in err


def test_a_missing_picture_and_a_broken_annotation_are_named(dfc: Dfc, tiny: tuple[str, ...]) -> None:
    assert dfc("test", *tiny)[0] == 0
    folder = Path("data/shapes/Shapes")
    (folder / "Annotations/000025.xml").write_text("<annotation><object>")
    status, _, err = dfc("test", *tiny)
    assert status == 2
    assert "000025.xml is no usable VOC annotation" in err.strip().splitlines()[-1]
    (folder / "JPEGImages/000026.jpg").unlink()
    status, _, err = dfc("test", *tiny)
    assert status == 2
    assert "000026.jpg is missing: the devkit's lists name it" in err.strip().splitlines()[-1]


def test_ema_by_config_averages_what_is_measured(dfc: Dfc, tiny: tuple[str, ...]) -> None:
    status, _, err = dfc("fit", *tiny, "-c", "configs/ema.yaml", *CHANNEL, "--trainer.max_epochs", "1")
    assert status == 0, err
    averaged, current = saved()["state_dict"], saved()["current_model_state"]
    name = "network.layers.conv_0.conv.weight"
    assert not torch.equal(averaged[name], current[name])
    assert saved()["seen"] == 24
    assert dfc("test", *tiny, *CHANNEL, "--model.weights", PLAIN)[0] == 0
    last = [row for row in metrics("plain") if row["val/map"]][-1]
    for point in points(version=1):
        assert float(last[f"val/kbpi_{point.label}"]) == pytest.approx(point.kbpi, rel=1e-6)


def test_a_loss_that_is_not_finite_stops_the_run_with_its_terms(dfc: Dfc, tiny: tuple[str, ...]) -> None:
    status, _, err = dfc("fit", *tiny, "--model.learning_rate", "1e30")
    assert status == 2
    assert re.search(r"is not finite at step \d+ \(box \S+, objectness \S+, class \S+, prior \S+\)", err)
    assert "lower learning_rate" in err.strip().splitlines()[-1]


CONFIGS = sorted(
    path for path in (Path(__file__).parents[1] / "configs").rglob("*.yaml") if path.parent.name != "sweeps"
)
"""Of runs; W&B reads those of its sweeps."""


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: str(path.stem))
def test_every_shipped_config_is_understood(dfc: Dfc, tiny: tuple[str, ...], config: Path) -> None:
    status, out, err = dfc("fit", *tiny, "-c", config, "--print_config")
    assert status == 0, err
    assert re.search(r"network: .*\.cfg", out)
