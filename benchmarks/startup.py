"""How long the light commands take, and that they leave torch alone."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks.clock import in_turns
from benchmarks.rows import Row

LIMITS = {"`dfc --help`": 1, "`dfc report`": 0.7}
"""Seconds."""
RESULTS = "results/voc-subset/yolo-lite"
LIGHT = """
import sys
from lightning_app.__main__ import main
status = main()
assert "torch" not in sys.modules, "torch was imported"
sys.exit(status)
"""


def run(shared: Path, output: Path) -> list[Row]:  # noqa: ARG001
    """The median of five starts; one that imports torch fails."""
    with tempfile.TemporaryDirectory() as folder:
        report = ("report", f"default={RESULTS}/default", f"distilled={RESULTS}/distilled", "--output", folder)
        ways = {"`dfc --help`": _start("--help"), "`dfc report`": _start(*report)}
        seconds = in_turns(ways, turns=5)
    return [
        Row(
            f"{name}, torch not imported",
            f"{LIMITS[name]:g} s",
            "s",
            median(times),
            LIMITS[name],
            median(times) / LIMITS[name],
            "≤",
            1,
        )
        for name, times in seconds.items()
    ]


def _start(*arguments: str) -> Callable[[], object]:
    command: Sequence[str] = (sys.executable, "-c", LIGHT, *arguments)
    return partial(subprocess.run, command, check=True, capture_output=True)
