"""Whether what a training holds of the machine grew, and the figure of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from matplotlib.figure import Figure

from experiments.soak.watch import Row
from lightning_app.profiling.axes import WIDTH
from lightning_app.report.canvas import save

SETTLED = 1000
"""Steps until all processes run and all buffers are as large as they will be."""
GROWTH = 1.05
"""Of memory, from the first fifth of the settled rows to the last; a leak of 10 kB a step is 190 MB in 19,000."""


def growths(rows: Sequence[Row], settled: int = SETTLED) -> list[str]:
    """A sentence for each of memory, open files, threads and processes that grew; none is good.

    Args:
        rows: in the order of their steps.
        settled: steps that do not count.
    """
    counted = [row for row in rows if row.step >= settled]
    fifth = len(counted) // 5
    if not fifth:
        return [f"{len(counted)} rows from step {settled:,} on are too few to tell: train longer"]
    found = []
    for name, allowed in (("main_mb", GROWTH), ("others_mb", GROWTH), ("files", 1), ("threads", 1), ("processes", 1)):
        first, last = ([getattr(row, name) for row in part] for part in (counted[:fifth], counted[-fifth:]))
        before, after = (fmean(first), fmean(last)) if allowed > 1 else (max(first), max(last))
        if after > allowed * before:
            found.append(f"{name} grew from {before:g} to {after:g}")
    return found


def draw(rows: Sequence[Row], path: Path) -> None:
    """The loss, memory, and open files, threads and processes, over the steps."""
    figure = Figure(figsize=(WIDTH, 4.5), layout="constrained", dpi=200)
    loss, memory, counts = figure.subplots(3, sharex=True)
    steps = [row.step for row in rows]
    panels = (
        (loss, "loss", ["loss"]),
        (memory, "memory, MB", ["main_mb", "others_mb"]),
        (counts, "number", ["files", "threads", "processes"]),
    )
    for axes, label, names in panels:
        for name in names:
            axes.plot(steps, [getattr(row, name) for row in rows], linewidth=1, label=name.removesuffix("_mb"))
        axes.set_ylabel(label, fontsize=7)
        axes.tick_params(labelsize=7)
        axes.legend(fontsize=7, frameon=False, loc="upper right")
    loss.set_yscale("log")
    loss.set_yticks([1, 2, 5, 10, 20, 50], ["1", "2", "5", "10", "20", "50"])
    memory.set_ylim(bottom=0)
    counts.set_ylim(bottom=0)
    counts.set_xlabel("step of the optimiser", fontsize=7)
    save(figure, path)
