"""The benchmarks by name. Each is a module with ``run(shared, output) -> list[Row]``."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from benchmarks.rows import Row

NAMES = (
    "startup",
    "codec_pool",
    "x265_settings",
    "inference",
    "detection_metrics",
    "training",
    "channel_step",
    "overlap",
    "evaluating",
    "ranks",
    "memory",
)


def run_one(name: str, shared: Path, output: Path) -> list[Row]:
    """What a benchmark finds; in this process, whose threads and memory it may change."""
    rows: list[Row] = import_module(f"benchmarks.{name}").run(shared, output)
    return rows
