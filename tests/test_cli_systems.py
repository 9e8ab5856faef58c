"""Gradients, codecs, layouts and the cloud-only way, as a user gives them: real training and testing, real files."""

import csv
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from lightning_app.darknet import Network, save_weights
from lightning_app.data import draw
from lightning_app.records.points import Point, read_points

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
]

Dfc = Callable[..., tuple[int, str, str]]


def points() -> list[Point]:
    return read_points(Path("runs/demo/plain/version_0/points.csv"))


def trained(
    dfc: Dfc, tiny: tuple[str, ...], gradient: str, ranks: int = 1
) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """Weights and logged rows of one epoch behind max_3; more ranks than one have processes of their own."""
    channel = ("--model.channel.split", "max_3", "--model.channel.qps", "[37]", "--model.channel.gradient", gradient)
    command = ["fit", *tiny, *channel, "--trainer.max_epochs", "1"]
    if ranks == 1:
        status, _, err = dfc(*command)
    else:
        ddp = ("--trainer.strategy=ddp", f"--trainer.devices={ranks}")
        several = [sys.executable, "-m", "lightning_app", *command, *ddp]
        result = subprocess.run(several, capture_output=True, text=True, check=False)
        status, err = result.returncode, result.stderr
    assert status == 0, err
    state: dict[str, Any] = torch.load("checkpoints/demo/plain/last.ckpt", weights_only=True)["state_dict"]
    with Path("runs/demo/plain/version_0/metrics.csv").open() as file:
        return state, list(csv.DictReader(file))


def layers_that_changed(state: dict[str, Any]) -> set[str]:
    fresh = Network.from_cfg("configs/networks/shapes.cfg", seed=0).state_dict()
    return {name.split(".")[1] for name, tensor in fresh.items() if not torch.equal(state[f"network.{name}"], tensor)}


CONVOLUTIONS = {name for name in Network.from_cfg(
    Path(__file__).parents[1] / "configs/networks/shapes.cfg").layers if name.startswith("conv")}  # fmt: skip


@pytest.mark.parametrize("gradient", ["straight_through", "scaled", "noise"])
def test_both_sides_learn(dfc: Dfc, tiny: tuple[str, ...], gradient: str) -> None:
    state, rows = trained(dfc, tiny, gradient)
    assert layers_that_changed(state) == CONVOLUTIONS
    coded = [row for row in rows if row.get("train/kbpi")]
    assert len(coded) == (0 if gradient == "noise" else 6)
    assert float(next(row["val/kbpi_qp37"] for row in rows if row["val/map"])) > 0  # measured with the codec always


@pytest.mark.filterwarnings("ignore:Found .* in eval mode at the start of training")
@pytest.mark.parametrize("ranks", [1, 2])
def test_a_stopped_gradient_trains_the_cloud_side_alone(dfc: Dfc, tiny: tuple[str, ...], ranks: int) -> None:
    state, _ = trained(dfc, tiny, "stop", ranks)
    assert layers_that_changed(state) == CONVOLUTIONS - {"conv_0", "conv_2"}


CHANNELS = {
    "frames": (
        [
            "layout=frames",
            "group=4",
            "codec=HEVC",
            "codec.prediction=inter",
            "codec.settings=best",
            "qps=[lossless,32]",
        ],
        ("frames/4", "HEVC/best/inter", 2),
    ),
    "JPEG": (["layout=quilted", "codec=JPEG", "qps=[90,50]"], ("quilted", "JPEG", 2)),
    "LZMA": (["depth=12", "codec=LZMA", "codec.depth=12", "qps=[lossless]"], ("tiled", "LZMA", 1)),
    "float32": (["depth=32", "qps=[lossless]"], ("tiled", "Raw", 1)),
}


@pytest.mark.parametrize("name", CHANNELS)
def test_every_channel_is_chosen_on_the_command_line(dfc: Dfc, tiny: tuple[str, ...], name: str) -> None:
    options, (layout, codec, count) = CHANNELS[name]
    words = [word for option in ["split=max_5", *options] for word in ("--model.channel." + option).split("=", 1)]
    status, _, err = dfc("test", *tiny, *words)
    assert status == 0, err
    found = points()
    assert [(point.layout, point.codec) for point in found] == [(layout, codec)] * count
    assert len({point.kbpi for point in found}) == count


def test_the_cloud_only_way_has_a_curve_and_the_original_files_a_point(dfc: Dfc, tiny: tuple[str, ...]) -> None:
    status, _, err = dfc("test", *tiny, "--model.picture.qps", "[original,22,42]")
    assert status == 0, err
    original, fine, coarse = points()
    listed = Path("data/shapes/Shapes/ImageSets/Main/test.txt").read_text().split()
    sizes = [(Path("data/shapes/Shapes/JPEGImages") / f"{name}.jpg").stat().st_size for name in listed]
    assert original.kbpi == pytest.approx(8 * sum(sizes) / len(sizes) / 1000)
    assert fine.kbpi > coarse.kbpi
    assert [point.codec for point in (original, fine)] == ["original", "HEVC420"]
    assert {point.system for point in points()} == {"cloud-only"}


def test_without_a_channel_the_rate_is_that_of_the_original_files(dfc: Dfc, tiny: tuple[str, ...]) -> None:
    assert dfc("test", *tiny, "--model.picture.qps", "[original]")[0] == 0
    (original,) = points()
    assert dfc("test", *tiny, "--trainer.logger.name", "whole")[0] == 0
    (plain,) = read_points(Path("runs/demo/whole/version_0/points.csv"))
    assert (plain.kbpi, plain.map) == (original.kbpi, original.map)


def test_a_channel_and_coded_pictures_at_once_are_refused(dfc: Dfc, tiny: tuple[str, ...]) -> None:
    status, _, err = dfc("test", *tiny, "--model.picture.qps", "[22]", "--model.channel.split", "max_5")
    assert status == 2
    assert "model.channel sends features and model.picture whole pictures: set one to null" in err


def test_a_converted_checkpoint_tests_and_does_not_pass_for_a_run_to_resume(dfc: Dfc, tiny: tuple[str, ...]) -> None:
    network = "configs/networks/shapes.cfg"
    save_weights(Network.from_cfg(network), "a.weights")
    assert dfc("weights", "convert", "a.weights", "a.ckpt", "--network", network)[0] == 0
    status, _, err = dfc("test", *tiny, "--ckpt_path", "a.ckpt")
    assert status == 0, err
    status, _, err = dfc("fit", *tiny, "--ckpt_path", "a.ckpt")
    assert (status, err.splitlines()[-1]) == (
        2, "dfc: a.ckpt has weights and no run to resume; give it as --model.weights instead"
    )  # fmt: skip


TREE_RUN = """
model: {network: tree.cfg, channel: {split: max_5, qps: [32]}, burn_in: 0}
data:
  class_path: lightning_app.data.VOCDataModule
  init_args: {root: ., train: [Shapes/train], val: [Shapes/test], test: [Shapes/test], classes: shapes.tree,
    workers: 0, batch_size: 4, augment: null}
trainer:
  max_epochs: 1
  check_val_every_n_epoch: 1
  log_every_n_steps: 1
  accelerator: cpu
"""


def test_a_network_with_a_tree_trains_on_pictures_of_which_only_the_class_is_known_too(
    dfc: Dfc, workplace: Path
) -> None:
    Path("shapes.tree").write_text("striped -1\nplain -1\ncolumns 0\nrows 0\ncircle 1\nstar 1\ntriangle 1\n")
    cfg = Path("configs/networks/shapes.cfg").read_text().replace("filters=40", "filters=48")
    Path("tree.cfg").write_text(cfg.replace("classes=5", "classes=7\ntree=shapes.tree"))
    Path("run.yaml").write_text(TREE_RUN)
    draw(".", train_pictures=24, test_pictures=9)
    for name in Path("Shapes/ImageSets/Main/train.txt").read_text().split()[:6]:
        annotation = Path(f"Shapes/Annotations/{name}.xml")
        annotation.write_text(re.sub("<bndbox>.*</bndbox>", "", annotation.read_text()))
    for command in (["fit"], ["test", "--model.weights", "checkpoints/demo/plain/last.ckpt"]):
        status, out, err = dfc(*command, "-c", "configs/demo/plain.yaml", "-c", "run.yaml")
        assert status == 0, err
    assert "9 pictures" in out
    status, _, err = dfc("test", "-c", "configs/demo/plain.yaml", "-c", "run.yaml", "--data.classes",
                         "[plain,striped,columns,rows,circle,star,triangle]")  # fmt: skip
    assert (status, err.splitlines()[-1]) == (
        2, "dfc: the data's classes are some of the tree's, in another order; set data.classes to the .tree file, or "
        "to a .names file with a line for each line of the tree"
    )  # fmt: skip
