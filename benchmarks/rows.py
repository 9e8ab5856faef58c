"""What a benchmark finds: one comparison, as a ratio, against what was to be reached."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import torch

from lightning_app.codecs import available_cores
from lightning_app.provenance import program_commit
from lightning_app.report.markdown import table


@dataclass(frozen=True)
class Row:
    """One comparison.

    Attributes:
        what: is measured.
        against: what it is measured against, in the same run.
        unit: of both values.
        ours: the measured value.
        theirs: the limit's or the peer's.
        ratio: of the two.
        sense: whether the ratio should be at least ``bound``, or at most.
        bound: what it should reach; None where there is nothing to reach.
        note: what belongs beside it.
    """

    what: str
    against: str
    unit: str
    ours: float
    theirs: float
    ratio: float
    sense: Literal["≥", "≤"] = "≥"
    bound: float | None = None
    note: str = ""

    @property
    def reached(self) -> bool | None:
        """Whether the ratio is what it should be; None where there is nothing to reach."""
        if self.bound is None:
            return None
        return self.ratio >= self.bound if self.sense == "≥" else self.ratio <= self.bound


def machine() -> dict[str, str]:
    """What the figures hang on."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    gibibytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    libraries = ", ".join(f"{name} {version(name)}" for name in ("torch", "av", "opencv-python-headless"))
    graphics = {"GPU": torch.cuda.get_device_name()} if torch.cuda.is_available() else {}
    return {
        **graphics,
        "processor": names[0] if names else platform.machine(),
        "cores": str(available_cores()),
        "memory": f"{gibibytes:.0f} GiB",
        "python": platform.python_version(),
        "libraries": libraries,
        "commit": program_commit(),
    }


def as_json(rows: Sequence[Row]) -> dict[str, Any]:
    """Everything, for a program."""
    return {"machine": machine(), "rows": [{**asdict(row), "reached": row.reached} for row in rows]}


def as_markdown(rows: Sequence[Row]) -> str:
    """The table, for a person."""
    head = ("What", "Against", "Ours", "Theirs", "Ratio", "To reach", "")
    lines = table(head, [_cells(row) for row in rows], texts=2)
    stated = ", ".join(f"{name} {value}" for name, value in machine().items())
    notes = [f"- {row.what}: {row.note}" for row in rows if row.note]
    return "\n".join(["# How fast it is", "", f"Measured on: {stated}.", "", *lines, "", *notes, ""])


def _cells(row: Row) -> tuple[str, ...]:
    bound = "" if row.bound is None else f"{row.sense} {row.bound:g}"
    verdict = {None: "", True: "reached", False: "**missed**"}[row.reached]
    values = (f"{value:.4g} {row.unit}" for value in (row.ours, row.theirs))
    return (row.what, row.against, *values, f"{row.ratio:.2f}", bound, verdict)
