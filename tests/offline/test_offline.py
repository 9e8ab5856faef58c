"""No command but ``dfc data download`` uses the network: all of them where there is none, and each try is counted.

A run in Weights & Biases does unless it is offline; here it is, and knows two keys that nobody may read.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from lightning_app.data.painting import SHAPES

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SHAPES_CFG = "configs/networks/shapes.cfg"
CHECKPOINT = "checkpoints/demo/plain/last.ckpt"
SPLIT = ("--channel.split", "max_5")
MODEL = ("--network", SHAPES_CFG, "--weights", CHECKPOINT)
RUN = """
model: {channel: {split: max_5, qps: [lossless, 37]}}
data: {init_args: {train_pictures: 8, test_pictures: 3, batch_size: 4, eval_batch_size: 4, workers: 0}}
trainer:
  max_epochs: 1
  check_val_every_n_epoch: 1
  log_every_n_steps: 1
  enable_progress_bar: false
  accelerator: cpu
  callbacks+: {class_path: lightning_app.callbacks.DetectionsWriter}
"""
CONFIGS = ("-c", "configs/demo/plain.yaml", "-c", "run.yaml")
WANDB = ("-c", "configs/wandb.yaml", "--trainer.logger.offline", "true", "--trainer.callbacks.pictures", "1")
COMMANDS = [
    ["--help"],
    ["data", "make", "shapes", "--train_pictures", "8", "--test_pictures", "3"],
    ["data", "check", "data/shapes", "--classes", "shapes.names"],
    ["fit", *CONFIGS, *WANDB, "--data.workers", "1"],
    *([command, *CONFIGS, "--model.weights", CHECKPOINT] for command in ("validate", "test", "predict")),
    ["evaluate", *CONFIGS, "--model.weights", CHECKPOINT, "--anchor.qps", "[original,37]"],
    ["report", "tiny=runs/evaluation", "--output", "report"],
    ["profile", "--network", SHAPES_CFG, "--uplink", "LTE", "--repeats", "1", "--output", "profile"],
    ["weights", "inspect", CHECKPOINT],
    ["weights", "convert", CHECKPOINT, "a.weights"],
    ["weights", "onnx", CHECKPOINT, "--output", "onnx"],
    ["encode", "data/shapes/Shapes/JPEGImages/000008.jpg", "-o", "x.dfc", *MODEL, *SPLIT, "--qp", "37"],
    ["decode", "x.dfc", *MODEL, "--classes", "shapes.names"],
]

KEY, OTHER_KEY = "0123456789abcdef" * 2 + "01234567", "fedcba9876543210" * 2 + "fedcba98"
NETRC = f"default login user password {OTHER_KEY}\n"
SET_BY_OTHERS = ("NO_ALBUMENTATIONS_UPDATE", "WANDB_MODE")
"""Tests of this process set them, in it."""
# An address that is nobody's, by Python and, as far as the hook sees, by other code.
CONNECT = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=5)"
UNSEEN = f"import subprocess, sys; subprocess.run([sys.executable, '-I', '-S', '-c', {CONNECT!r}])"

pytestmark = pytest.mark.slow
NAMESPACE = ("unshare", "--map-root-user", "--net")
"""What runs a command where there is no network."""
granted = (
    bool(shutil.which("unshare"))
    and not subprocess.run([*NAMESPACE, "true"], check=False, capture_output=True).returncode
)


class Tried(NamedTuple):
    """What became of a program that may not leave the machine: what Python and the kernel were asked for."""

    status: int
    printed: str
    python: list[str]
    kernel: dict[str, int]


def confine(folder: Path, *command: str | Path, **variables: str) -> Tried:
    """Run Python in a folder, its sockets forbidden and, where this machine lets us, without any network."""
    counts, tries = folder / "counts.json", folder / "tries.txt"
    tries.touch()
    outside = (*NAMESPACE, sys.executable, HERE / "empty_network.py", counts) if granted else ()
    ours = {name: value for name, value in os.environ.items() if name not in SET_BY_OTHERS}
    given = {**ours, "PYTHONPATH": f"{HERE}{os.pathsep}{ROOT}", "FORBIDDEN": str(tries), **variables}
    result = subprocess.run(
        [*outside, sys.executable, *command],
        cwd=folder, env=given, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    kernel = json.loads(counts.read_text()) if counts.exists() else {}
    return Tried(result.returncode, result.stdout, tries.read_text().splitlines(), kernel)


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Tried]:
    """The folder of all commands, and what they tried."""
    folder = tmp_path_factory.mktemp("offline")
    (folder / "configs").symlink_to(ROOT / "configs")
    (folder / "run.yaml").write_text(RUN)
    (folder / "shapes.names").write_text("\n".join(SHAPES))
    (folder / "commands.json").write_text(json.dumps(COMMANDS))
    (folder / ".netrc").write_text(NETRC)
    (folder / ".netrc").chmod(0o600)
    known = {"WANDB_API_KEY": KEY, "HOME": str(folder)}
    return folder, confine(folder, ROOT / "tests/commands.py", "commands.json", **known)


def test_every_command_does_its_work_without_a_network_and_asks_for_none(everything: tuple[Path, Tried]) -> None:
    folder, tried = everything
    assert tried.status == 0, tried.printed[-3000:]
    assert tried.python == []
    assert not any(tried.kernel.values()), tried.kernel
    made = ("x.dfc", "onnx/whole.onnx", "report/fig5.png", "profile/layers.csv", "runs/evaluation/points.csv")
    assert [name for name in made if not (folder / name).exists()] == []


def test_no_file_and_no_line_of_a_run_holds_the_wandb_key(everything: tuple[Path, Tried]) -> None:
    folder, tried = everything
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != ".netrc"]
    written = {path: path.read_bytes() for path in files}
    (run,) = (data for path, data in written.items() if path.suffix == ".wandb")
    assert b"feature-compression" in run  # a key that it held could be read
    assert len([path for path in written if "wandb" in path.parts]) > 5
    for key in (KEY, OTHER_KEY):
        assert key not in tried.printed
        assert [path.name for path, data in written.items() if key.encode() in data] == []


def test_a_try_to_leave_the_machine_is_seen_and_fails(tmp_path: Path) -> None:
    tried = confine(tmp_path, "-c", CONNECT)
    assert tried.status == 1
    assert [line.split(" by ")[0] for line in tried.python] == ["socket.getaddrinfo 192.0.2.1"]
    assert "PermissionError: socket.getaddrinfo 192.0.2.1: this process may not leave the machine" in tried.printed


@pytest.mark.skipif(not granted, reason="this machine lets nobody make a network namespace")
def test_a_try_by_code_that_python_does_not_see_is_counted(tmp_path: Path) -> None:
    tried = confine(tmp_path, "-c", UNSEEN)
    assert tried.python == []
    assert tried.kernel == {"IpOutNoRoutes": 1, "UdpNoPorts": 0, "Ip6OutNoRoutes": 0, "Udp6NoPorts": 0}


def test_albumentations_would_ask_for_a_newer_release_were_it_imported_by_itself(tmp_path: Path) -> None:
    (tried,) = confine(tmp_path, "-c", "import albumentations").python
    assert tried.startswith("socket.getaddrinfo ")
