"""``dfc evaluate`` as a user gives it: real coding, real files, killed, resumed, and on two ranks."""

import csv
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from lightning_app.darknet import Network, save_weights
from lightning_app.darknet.convolve import FixedConvolution
from lightning_app.darknet.layers import Convolution
from lightning_app.evaluation.examples import PICTURES as SHOWN
from lightning_app.graph import Detections
from lightning_app.records.points import Point, read_points

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
]

Dfc = Callable[..., tuple[int, str, str]]
ROOT = Path(__file__).parents[2]
PICTURES = 9
FILES = ("points.csv", "classes.csv", "images.csv", "bd.csv", "examples.json", "report.html")
SWEEP = ("--splits", "[max_3,max_5]", "--depths", "[8,10]", "--qps", "[lossless,22,37]")


CHECKPOINT = "trained.ckpt"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a network that finds something, trained in a process of its own."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "configs").symlink_to(ROOT / "configs")
    options = ["--data.train_pictures", "96", "--data.test_pictures", "1", "--data.workers", "0", "--model.steps", "[]"]
    options += [
        "--trainer.max_epochs",
        "12",
        "--trainer.check_val_every_n_epoch",
        "12",
        "--model.learning_rate",
        "0.003",
    ]
    options += ["--model.burn_in", "10", "--trainer.enable_progress_bar", "false"]
    command = [sys.executable, "-m", "lightning_app", "fit", "-c", "configs/demo/plain.yaml", *options]
    subprocess.run(command, cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True, capture_output=True)
    return folder / "checkpoints/demo/plain/last.ckpt"


@pytest.fixture
def trained(tiny: tuple[str, ...], checkpoint: Path) -> tuple[str, ...]:
    """Options that measure it."""
    shutil.copy(checkpoint, CHECKPOINT)
    return (*tiny, "--model.weights", CHECKPOINT)


def points(folder: str = "runs/evaluation") -> list[Point]:
    return read_points(Path(folder) / "points.csv")


def rows(folder: str = "runs/evaluation") -> list[dict[str, str]]:
    with (Path(folder) / "images.csv").open() as file:
        return list(csv.DictReader(file))


def files(folder: str) -> list[bytes]:
    return [(Path(folder) / name).read_bytes() for name in FILES]


def kept() -> int:
    """How many coded pictures are in the cache."""
    return sum(
        int(sqlite3.connect(path).execute("SELECT count(*) FROM coded").fetchone()[0])
        for path in Path("runs/cache").glob("*.sqlite")
    )


def counts(out: str) -> tuple[int, int]:
    """Pictures that were coded, and found."""
    coded, found = re.findall(r"([\d,]+) coded, ([\d,]+) found in runs/cache", out)[0]
    return int(coded.replace(",", "")), int(found.replace(",", ""))


def test_a_sweep_measures_what_test_does_at_every_point(dfc: Dfc, trained: tuple[str, ...]) -> None:
    status, out, err = dfc("evaluate", *trained, *SWEEP, "--anchor.qps", "[original,30]")
    assert status == 0, err
    assert "max_5 tiled 10-bit HEVC against cloud-only HEVC420:\n  BD-KBPI-mAP" in out
    assert out.count("A minus means fewer bits at the same mAP, a plus means more.") == 1
    found = {point.name: point for point in points()}
    assert len(found) == 2 * 2 * 3 + 2
    channel = ("--model.channel.split", "max_5", "--model.channel.depth", "10", "--model.channel.qps", "[lossless,37]")
    alone = ("--data.eval_batch_size", "1")
    assert dfc("test", *trained, *channel, *alone)[0] == 0
    assert dfc("test", *trained, *alone)[0] == 0
    assert dfc("test", *trained, "--model.picture.qps", "[30]", *alone)[0] == 0
    (lossless, lossy), (whole,), (picture,) = (points(f"runs/demo/plain/version_{i}") for i in (1, 2, 3))
    for point in (lossless, lossy, whole, picture):
        name = "cloud-only original original" if point is whole else point.name
        assert (found[name].map, found[name].map_area) == (point.map, point.map_area), name
        assert (found[name].kbpi, found[name].kbpi_std) == (point.kbpi, point.kbpi_std), name
    assert whole.map > 0.005
    for row in ("max_5 tiled 10-bit HEVC qp37", "cloud-only HEVC420 qp30"):
        bits = [int(line["bits"]) for line in rows() if line["point"] == row]
        assert len(bits) == PICTURES
        assert np.mean(bits) / 1000 == pytest.approx(found[row].kbpi)
    for point in found.values():
        losses = [float(line["loss"]) for line in rows() if line["point"] == point.name]
        assert np.mean(losses) == pytest.approx(point.loss, rel=1e-6)
        assert point.map_std is not None
        assert point.map_low is not None
        assert point.map_high is not None
        assert point.map_low <= point.map_high


def test_the_network_runs_once_a_picture_in_one_thread_and_each_back_once_a_point(
    dfc: Dfc, trained: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    passes: dict[str, int] = {}
    lock = threading.Lock()
    original = nn.Module.__call__

    def counting(module: nn.Module, *arguments: object) -> object:
        name = getattr(module, "counted", None)
        if name:
            with lock:
                passes[name] = passes.get(name, 0) + 1
        return original(module, *arguments)

    build = Network.from_cfg.__func__  # type: ignore[attr-defined]

    def marked(cls: type[Network], *arguments: object) -> Network:
        network: Network = build(cls, *arguments)
        for name, layer in network.layers.items():
            layer.counted = name  # type: ignore[assignment]
        return network

    monkeypatch.setattr(Network, "from_cfg", classmethod(marked))
    monkeypatch.setattr(nn.Module, "__call__", counting)
    used: list[int] = []
    call = FixedConvolution.__call__

    def noting(fixed: FixedConvolution, x: torch.Tensor) -> torch.Tensor:
        used.append(torch.get_num_threads())
        return call(fixed, x)

    monkeypatch.setattr(FixedConvolution, "__call__", noting)
    before = torch.get_num_threads()
    assert dfc("evaluate", *trained, *SWEEP)[0] == 0
    assert set(used) == {1}
    assert torch.get_num_threads() == before
    points_a_split = 2 * 3
    assert passes["conv_0"] == PICTURES
    assert passes["conv_4"] == PICTURES * (1 + points_a_split)  # in the back of max_3
    assert passes["conv_6"] == PICTURES * (1 + 2 * points_a_split)  # in both


def test_figures_and_pages_are_made_and_a_missing_anchor_is_told(dfc: Dfc, trained: tuple[str, ...]) -> None:
    options = ("--splits", "[max_5]", "--qps", "[lossless,37]", "--output", "deep/a")
    status, out, err = dfc("evaluate", *trained, *options)
    assert status == 0, err
    made = {"fig4.png", "fig4.svg", "fig5.png", "fig5.svg", "points.md", "outcomes.npz", "origin.json", *FILES}
    assert {path.name for path in Path("deep/a").iterdir()} == made
    assert 'No BD numbers: they need lossy points and --anchor.qps "[original,22,27,32,37]"' in out
    assert "outcomes.npz" in out
    assert "fig5.png" in out
    (Path("deep/a") / "table1.md").touch()
    assert dfc("evaluate", *trained, *options)[0] == 0
    assert {path.name for path in Path("deep/a").iterdir()} == made
    assert dfc("evaluate", *trained, "--splits", "[]", "--output", "deep/b")[0] == 0
    assert {path.name for path in Path("deep/b").iterdir()} == {"points.md", "outcomes.npz", "origin.json", *FILES}


def test_what_was_coded_is_never_coded_again_though_thresholds_change(dfc: Dfc, trained: tuple[str, ...]) -> None:
    _, out, _ = dfc("evaluate", *trained, *SWEEP, "--output", "a")
    assert counts(out) == (PICTURES * 12, 0)
    changed = ("--model.score_threshold", "0.2", "--model.nms_threshold", "0.3", "--data.eval_batch_size", "2")
    _, out, _ = dfc("evaluate", *trained, *SWEEP, *changed, "--output", "b")
    assert counts(out) == (0, PICTURES * 12)
    assert [point.kbpi for point in points("a")] == [point.kbpi for point in points("b")]
    assert [point.map for point in points("a")] != [point.map for point in points("b")]
    _, out, _ = dfc("evaluate", *trained, *SWEEP, "--output", "c")
    assert files("a") == files("c")


@pytest.fixture
def detected(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The score threshold of every call of `Network.detect`."""
    thresholds: list[float] = []
    detect = Network.detect

    def noting(network: Network, raws: tuple[torch.Tensor, ...], score: float, overlap: float) -> list[Detections]:
        thresholds.append(score)
        return detect(network, raws, score, overlap)

    monkeypatch.setattr(Network, "detect", noting)
    return thresholds


def test_a_higher_score_threshold_runs_only_the_pictures_that_are_shown_again(
    dfc: Dfc, trained: tuple[str, ...], detected: list[float]
) -> None:
    ways = 12 + 1
    assert dfc("evaluate", *trained, *SWEEP, "--model.score_threshold", "0.01", "--output", "low")[0] == 0
    assert detected == [0.01] * PICTURES * ways
    assert dfc("evaluate", *trained, *SWEEP, "--model.score_threshold", "0.01", "--output", "same")[0] == 0
    assert detected[PICTURES * ways :] == [0.01] * SHOWN * ways
    assert files("same") == files("low")
    high = ("--model.score_threshold", "0.1")
    _, out, _ = dfc("evaluate", *trained, *SWEEP, *high, "--output", "warm")
    assert counts(out) == (0, PICTURES * 12)
    assert detected[(PICTURES + SHOWN) * ways :] == [0.1] * SHOWN * ways
    assert dfc("evaluate", *trained, *SWEEP, *high, "--output", "cold", "--cache", "other")[0] == 0
    assert files("warm") == files("cold")
    assert [point.map for point in points("warm")] != [point.map for point in points("low")]


def test_what_a_lower_threshold_or_other_true_boxes_change_is_judged_again(
    dfc: Dfc, trained: tuple[str, ...], detected: list[float]
) -> None:
    few = ("--splits", "[max_5]", "--qps", "[37]", "--model.score_threshold")
    assert dfc("evaluate", *trained, *few, "0.1", "--output", "high")[0] == 0
    for options, name in (
        ((*few, "0.05"), "lower"),
        ((*few, "0.1", "--model.nms_threshold", "0.3"), "overlap"),
        ((*few, "0.1", "--model.criterion", "DetectionLoss", "--model.criterion.form", "yolov1"), "form"),
    ):
        detected.clear()
        assert dfc("evaluate", *trained, *options, "--output", name)[0] == 0, name
        assert len(detected) == 2 * PICTURES, name
    assert dfc("evaluate", *trained, *few, "0.05", "--output", "cold", "--cache", "other")[0] == 0
    assert files("lower") == files("cold")
    annotations = sorted(Path("data/shapes/Shapes/Annotations").iterdir())
    last = Path("data/shapes/Shapes/ImageSets/Main/test.txt").read_text().split()[-1]
    (moved,) = (path for path in annotations if path.stem == last)
    moved.write_text(re.sub(r"<xmin>\d+", "<xmin>1", moved.read_text()))
    detected.clear()
    assert dfc("evaluate", *trained, *few, "0.1", "--output", "moved")[0] == 0
    assert len(detected) == 2 * (SHOWN + 1)


def test_other_weights_sizes_and_codecs_are_coded_anew(dfc: Dfc, trained: tuple[str, ...]) -> None:
    few = ("--splits", "[max_5]", "--qps", "[37]", "--anchor.qps", "[40]")
    assert counts(dfc("evaluate", *trained, *few)[1]) == (2 * PICTURES, 0)
    network = Network.from_cfg("configs/networks/shapes.cfg", seed=1)
    save_weights(network, Path("other.weights"))
    # The picture that goes to the cloud whole is the same for every network.
    for option in (
        ("--model.weights", "other.weights"),
        ("--data.size", "96"),
        ("--codecs", "[HEVC/best]"),
        ("--trainer.precision", "bf16-mixed"),
    ):
        assert counts(dfc("evaluate", *trained, *few, *option, "--output", option[0].strip("-"))[1]) == (
            PICTURES,
            PICTURES,
        )


def test_the_front_runs_once_a_picture_and_each_point_codes_it_once(
    dfc: Dfc, trained: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    passes: list[int] = []
    tapped = Network.tapped

    def counted(network: Network, images: torch.Tensor, indices: tuple[int, ...]) -> tuple[torch.Tensor, ...]:
        passes.append(len(images))
        return tapped(network, images, indices)

    monkeypatch.setattr(Network, "tapped", counted)
    status, out, err = dfc("evaluate", *trained, *SWEEP)
    assert status == 0, err
    assert passes == [1] * PICTURES
    assert counts(out) == (12 * PICTURES, 0)
    assert kept() == 12 * PICTURES


@pytest.mark.parametrize("command", ["evaluate", "test", "validate", "predict"])
def test_every_convolution_is_one_call_while_the_weights_do_not_change(
    command: str, dfc: Dfc, trained: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    fixed, layers, forward = [], set(), Convolution.forward

    def noted(layer: Convolution, x: torch.Tensor) -> torch.Tensor:
        fixed.append(layer.fixed is not None)
        layers.add(layer)
        return forward(layer, x)

    monkeypatch.setattr(Convolution, "forward", noted)
    options = ("--splits", "[max_5]", "--qps", "[37]") if command == "evaluate" else ()
    assert dfc(command, *trained, *options)[0] == 0
    assert fixed
    assert all(fixed)
    assert all(layer.fixed is None for layer in layers)


def test_killed_twice_and_resumed_it_ends_with_the_same_files(dfc: Dfc, trained: tuple[str, ...]) -> None:
    run = ("evaluate", *trained, *SWEEP, "--data.eval_batch_size", "1")
    command = [sys.executable, "-m", "lightning_app", *run]
    for least in (12, 60):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not Path("runs/cache").exists() or kept() < least:
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.wait()
    before = kept()
    assert 60 <= before < 12 * PICTURES
    status, out, err = dfc(*run)
    assert status == 0, err
    assert counts(out) == (12 * PICTURES - before, before)
    Path("runs/cache").rename("old-cache")
    assert dfc(*run, "--output", "whole")[0] == 0
    assert files("runs/evaluation") == files("whole")


def test_two_ranks_write_the_same_files_as_one(dfc: Dfc, trained: tuple[str, ...]) -> None:
    run = ("evaluate", *trained, *SWEEP)
    assert dfc(*run, "--output", "one")[0] == 0
    Path("runs/cache").rename("old-cache")
    ranks = ("--trainer.devices", "2", "--trainer.strategy", "ddp", "--output", "two")
    command = [sys.executable, "-m", "lightning_app", *run, *ranks]
    result = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ})
    assert result.returncode == 0, result.stderr
    assert counts(result.stdout) == (12 * PICTURES, 0)
    assert files("one") == files("two")
    # One rank finds what two have coded.
    assert counts(dfc(*run, "--output", "again")[1]) == (0, 12 * PICTURES)


def test_the_kept_containers_are_those_that_encode_writes(dfc: Dfc, trained: tuple[str, ...]) -> None:
    assert dfc("evaluate", *trained, "--splits", "[max_5]", "--qps", "[37]", "--depths", "[8]")[0] == 0
    (path,) = Path("runs/cache").glob("*.sqlite")
    data = {row[0][:-4] for row in sqlite3.connect(path).execute("SELECT data FROM coded")}
    weights = ("--network", "configs/networks/shapes.cfg", "--weights", CHECKPOINT)
    picture = "data/shapes/Shapes/JPEGImages/000024.jpg"
    assert dfc("encode", picture, "-o", "x.dfc", *weights, "--channel.split", "max_5", "--qp", "37")[0] == 0
    assert Path("x.dfc").read_bytes() in data


def test_a_retrained_checkpoint_is_measured_at_its_own_channel(dfc: Dfc, trained: tuple[str, ...]) -> None:
    channel = ("--model.channel.split", "max_5", "--model.channel.qps", "[lossless,30]", "--model.channel.depth", "10")
    assert dfc("evaluate", *trained, *channel)[0] == 0
    assert [point.name for point in points()] == [
        "max_5 tiled 10-bit HEVC lossless",
        "max_5 tiled 10-bit HEVC qp30",
        "cloud-only original original",
    ]


def test_a_mistake_is_one_sentence(dfc: Dfc, trained: tuple[str, ...]) -> None:
    for options, sentence in (
        (("--splits", "[max_8]"), "no layer is named 'max_8'"),
        (("--splits", "[max_5]", "--resamples", "1"), "resamples must be at least 2, not 1"),
        (("--splits", "[max_5]", "--codecs", "[VP9]"), "no codec is named VP9"),
        (("--qps", "[22]"), "the sweep has no split: give --splits, such as [max_7]"),
    ):
        status, _, err = dfc("evaluate", *trained, *options)
        assert status == 2
        assert sentence in err.strip().splitlines()[-1]
        assert "Traceback" not in err
