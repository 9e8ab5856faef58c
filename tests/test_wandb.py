"""Weights & Biases offline: the run's own file, read back."""

import json
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import wandb
from wandb.proto import wandb_internal_pb2

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
]


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


def test_a_runs_own_file_holds_config_losses_and_points_by_qp(
    dfc: Callable[..., tuple[int, str, str]],
    tiny: tuple[str, ...],
    workplace: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    (workplace / "rate.yaml").write_text(
        "trainer: {callbacks+: {class_path: pytorch_lightning.callbacks.LearningRateMonitor}}"
    )
    channel = ("--model.channel.split", "max_5", "--model.channel.qps", "[lossless,37]")
    status, _, err = dfc("fit", *tiny, "-c", "rate.yaml", "-c", "configs/wandb.yaml", *channel)
    assert status == 0, err
    wandb.finish()  # as the end of the process does
    history: dict[str, Any] = {}
    config: dict[str, Any] = {}
    for record in records(Path("runs")):
        history |= values(record.history.item)
        config |= values([*record.config.update, *record.run.config.update])
    for term in ("loss", "loss_box", "loss_objectness", "loss_class", "loss_prior", "kbpi"):
        assert f"train/{term}" in history
    for name in ("map_lossless", "map_qp37", "kbpi_lossless", "kbpi_qp37"):
        assert f"val/{name}" in history
    assert any(name.startswith("lr-SGD") for name in history)
    assert history["trainer/global_step"] == 11
    assert config["model"]["channel"]["init_args"]["split"] == "max_5"
    tables = Path("runs").glob("wandb/offline-run-*/files/media/table/val/points_*.table.json")
    table = max(tables, key=lambda path: path.stat().st_mtime_ns)
    content = json.loads(table.read_text())
    rows = [dict(zip(content["columns"], row, strict=True)) for row in content["data"]]
    assert [row["qp"] for row in rows] == ["lossless", "37"]
    assert rows[0]["kbpi"] == pytest.approx(history["val/kbpi_lossless"])
