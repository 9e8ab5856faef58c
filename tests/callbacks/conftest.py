"""An offline run of Weights & Biases, and its own file read back."""

import json
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import wandb
from PIL import Image
from wandb.proto import wandb_internal_pb2

from lightning_app.__main__ import main

ROOT = Path(__file__).parents[2]
THRESHOLD = 0.005
RUN = """
model: {burn_in: 0, score_threshold: 0.002, channel: {split: max_5, qps: [lossless, 37]}}
data:
  class_path: lightning_app.data.ShapesDataModule
  init_args: {train_pictures: 12, test_pictures: 9, batch_size: 4, eval_batch_size: 9, workers: 0}
trainer:
  max_epochs: 2
  check_val_every_n_epoch: 1
  log_every_n_steps: 1
  enable_progress_bar: false
  enable_model_summary: false
  accelerator: cpu
  callbacks+:
    - {class_path: pytorch_lightning.callbacks.LearningRateMonitor}
    - {class_path: lightning_app.callbacks.DetectionsWriter}
"""

BLOCK = 32 * 1024
LAST = (1, 4)
"""A whole record, and the last piece of one."""


def pieces(data: bytes) -> Iterator[bytes]:
    """Records of a LevelDB log behind W&B's 7-byte header: blocks of pieces of checksum (4), length (2), kind (1)."""
    position, record = 7, b""
    while position + 7 <= len(data):
        if BLOCK - position % BLOCK < 7:
            position += BLOCK - position % BLOCK
            continue
        _, length, kind = struct.unpack_from("<IHB", data, position)
        if position + 7 + length > len(data):
            return
        record += data[position + 7 : position + 7 + length]
        position += 7 + length
        if kind in LAST:
            yield record
            record = b""


def records(folder: Path) -> list[Any]:
    """Every record of the one offline run under a folder, once W&B's own process has written the last."""
    (path,) = folder.glob("wandb/offline-run-*/run-*.wandb")
    for _ in range(300):
        read = wandb_internal_pb2.Record.FromString  # type: ignore[attr-defined]
        found = [read(record) for record in pieces(path.read_bytes())]
        if found and found[-1].WhichOneof("record_type") == "exit":
            return found
        time.sleep(0.1)
    raise AssertionError(f"{path} has no end: its last record is {found[-1:]}")


def values(items: Any) -> dict[str, Any]:
    return {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in items}


class Logged(NamedTuple):
    """What an offline run left: merged records, the artifacts, every row, and the folder of its pictures and tables."""

    history: dict[str, Any]
    config: dict[str, Any]
    summary: dict[str, Any]
    artifacts: list[Any]
    rows: list[dict[str, Any]]
    files: Path

    def table(self, key: str) -> list[dict[str, Any]]:
        """The rows of a table."""
        content = json.loads((self.files / self.history[f"{key}/path"]).read_text())
        return [dict(zip(content["columns"], row, strict=True)) for row in content["data"]]

    def pictures(self, key: str) -> list[Any]:
        """The pictures of a key as arrays."""
        return [np.asarray(Image.open(self.files / name)) for name in self.history[f"{key}/filenames"]]

    def boxes(self, key: str, kind: str) -> list[list[dict[str, Any]]]:
        """The boxes of each picture of a key: ``predictions`` or ``ground_truth``."""
        files = [self.files / entry[kind]["path"] for entry in self.history[f"{key}/all_boxes"]]
        return [json.loads(file.read_text())["box_data"] for file in files]


def read_back(folder: Path) -> Logged:
    logged = Logged({}, {}, {}, [], [], next(folder.glob("wandb/offline-run-*/files")))
    for record in records(folder):
        logged.rows.append(values(record.history.item))
        logged.history.update(logged.rows[-1])
        logged.config.update(values([*record.config.update, *record.run.config.update]))
        logged.summary.update(values(record.summary.update))
        if record.WhichOneof("record_type") == "artifact":
            logged.artifacts.append(record.artifact)
    return logged


@pytest.fixture(scope="session")
def end_wandb() -> Callable[[Path], Logged]:
    """Do to W&B what the end of the process does, and read what the one run under a folder left."""

    def end(folder: Path) -> Logged:
        wandb.finish()
        wandb.teardown()
        return read_back(folder)

    return end


def command(folder: Path, *arguments: str) -> None:
    """Run ``dfc`` in a folder, in this process."""
    (folder / "run.yaml").write_text(RUN)
    if not (folder / "configs").exists():
        (folder / "configs").symlink_to(ROOT / "configs")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        subcommand, *options = arguments
        patch.setattr(sys, "argv", ["dfc", subcommand, "-c", "configs/demo/plain.yaml", "-c", "run.yaml", *options])
        assert not main()


class Fit(NamedTuple):
    """A tiny fit: the folder it ran in, what it logged, what it said over the network, and `command`."""

    folder: Path
    logged: Logged
    requests: list[bytes]
    threshold: float
    command: Callable[..., None]


@pytest.fixture(scope="session")
def fit(tmp_path_factory: pytest.TempPathFactory, end_wandb: Callable[[Path], Logged]) -> Fit:
    """A tiny fit with a channel, offline, its checkpoint as an artifact; every way out leads to a socket of ours."""
    folder = tmp_path_factory.mktemp("fit")
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.MonkeyPatch.context() as patch:
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "WANDB_BASE_URL"):
            patch.setenv(name, address)
        patch.setenv("WANDB_MODE", "offline")
        wandb.teardown()  # W&B's own process is to see these variables
        gallery = ("--trainer.callbacks.init_args.pictures=9", f"--trainer.callbacks.init_args.threshold={THRESHOLD}")
        command(folder, "fit", "-c", "configs/wandb.yaml", "--trainer.logger.log_model=true", *gallery)
        logged = end_wandb(folder / "runs")
        return Fit(folder, logged, said_to(server), THRESHOLD, command)


def said_to(server: socket.socket) -> list[bytes]:
    """The first that each process has said which connected to a server."""
    server.settimeout(0)
    said: list[bytes] = []
    while True:
        try:
            connection = server.accept()[0]
        except BlockingIOError:
            return said
        with connection:
            connection.settimeout(1)
            said.append(connection.recv(200))
