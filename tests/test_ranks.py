"""One, two and three ranks that share few pictures: the same files to the byte, and one failure that ends them all."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lightning_app.records.points import read_points

ROOT = Path(__file__).parents[1]
RUN = """
model: {channel: {split: max_5, qps: [lossless, 37]}}
data: {init_args: {train_pictures: 4, eval_batch_size: 2, workers: 0}}
trainer:
  enable_progress_bar: false
  accelerator: cpu
  callbacks+: {class_path: lightning_app.callbacks.DetectionsWriter}
"""
SETS = (7, 2)
"""Pictures: 7 divide by neither 2 nor 3 ranks, and 2 leave the third without any."""

DFC = [sys.executable, "-m", "lightning_app"]

pytestmark = pytest.mark.slow


def commands(pictures: int) -> Iterator[list[str]]:
    """``test`` and ``predict`` by batches of one, whose size decides how sums are rounded; ``evaluate`` always does."""
    config = ["-c", "configs/demo/plain.yaml", "-c", "run.yaml"]
    config += [f"--data.root=data/{pictures}", f"--data.test_pictures={pictures}", "--model.metrics=[voc,coco]"]
    for command in ("test", "predict"):
        yield [command, *config, "--data.eval_batch_size=1", f"--trainer.logger.name={command}{pictures}"]
    folders = [f"--output=runs/evaluate{pictures}", f"--cache=runs/cache{pictures}"]
    yield ["evaluate", *config, "--anchor.qps=[original,30,37]", *folders]


def on_ranks(ranks: int) -> list[str]:
    return [] if ranks == 1 else ["--trainer.strategy=ddp", f"--trainer.devices={ranks}"]


def prepare(folder: Path) -> dict[str, str]:
    """Make a place to run commands in, and give the variables to run them with."""
    (folder / "configs").symlink_to(ROOT / "configs")
    (folder / "run.yaml").write_text(RUN)
    return {**os.environ, "PYTHONPATH": str(ROOT), "GLOO_SOCKET_IFNAME": "lo"}


@pytest.fixture(scope="module", params=[2, 3])
def places(request: pytest.FixtureRequest, alone: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Where one rank did everything, and where several did."""
    return alone, do_everything(tmp_path_factory.mktemp("together"), request.param)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return do_everything(tmp_path_factory.mktemp("alone"), 1)


def do_everything(folder: Path, ranks: int) -> Path:
    variables = prepare(folder)
    every = [[*command, *on_ranks(ranks)] for pictures in SETS for command in commands(pictures)]
    (folder / "commands.json").write_text(json.dumps(every))
    torchrun = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={ranks}"] if ranks > 1 else []
    command = [sys.executable, *torchrun, str(ROOT / "tests/commands.py"), "commands.json"]
    run = subprocess.run(command, cwd=folder, env=variables, text=True, capture_output=True, timeout=400, check=False)
    assert run.returncode == 0, run.stderr[-3000:]
    return folder


@pytest.mark.parametrize("pictures", SETS)
def test_every_number_of_ranks_measures_the_same_to_the_last_digit(places: tuple[Path, Path], pictures: int) -> None:
    one, several = (place / "runs" for place in places)
    files = [f"demo/test{pictures}/version_0/{name}" for name in ("points.csv", "classes.csv")]
    names = ("points.csv", "classes.csv", "images.csv", "bd.csv", "outcomes.npz")
    files += [f"evaluate{pictures}/{name}" for name in names]
    for file in files:
        assert (one / file).read_bytes() == (several / file).read_bytes(), file
    measured = read_points(one / files[0])
    assert [point.images for point in measured] == [pictures, pictures]
    assert all(point.map > 0 and point.kbpi > 1 for point in measured)
    assert all(point.map_coco is not None for file in files if "points" in file for point in read_points(one / file))


@pytest.mark.parametrize("pictures", SETS)
def test_together_the_ranks_write_the_detections_of_each_picture_once(places: tuple[Path, Path], pictures: int) -> None:
    one, several = (detections(place / f"runs/demo/predict{pictures}/version_0") for place in places)
    assert len(one) == 2 * pictures
    assert one == several


def detections(folder: Path) -> list[str]:
    """Of each picture and QP, whichever rank wrote them."""
    return sorted(str(row) for path in folder.glob("detections*.json") for row in json.loads(path.read_text()))


STUCK = """
import time
from pytorch_lightning import Callback

class Stuck(Callback):
    def on_test_start(self, trainer, module):
        if trainer.global_rank == 1:
            time.sleep(600)
"""


@pytest.mark.parametrize(
    ("failing", "ranks", "others"),
    [(0, 2, ["--trainer.callbacks+=stuck.Stuck"]), (1, 3, [])],
    ids=["the first, the other deaf to it", "the second of three"],
)
def test_one_ranks_failure_ends_all_with_its_reason(
    tmp_path: Path, failing: int, ranks: int, others: list[str]
) -> None:
    variables = prepare(tmp_path)
    (tmp_path / "stuck.py").write_text(STUCK)
    data = ["data", "make", "shapes", "--root=data/7", "--train_pictures=4", "--test_pictures=7"]
    subprocess.run([*DFC, *data], cwd=tmp_path, env=variables, capture_output=True, check=True)
    broken = f"data/7/Shapes/JPEGImages/{4 + failing:06d}.jpg"
    (tmp_path / broken).write_bytes(b"")
    command = [*DFC, *next(commands(7)), *on_ranks(ranks), *others]
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        env={**variables, "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    # Whoever is left holds the pipe open.
    printed, _ = process.communicate(timeout=300)
    assert process.returncode in (2, -signal.SIGKILL), printed  # by us, or by Lightning's watch over its ranks
    assert f"dfc: {broken} cannot be read as a picture" in printed
    assert "Traceback" not in printed
