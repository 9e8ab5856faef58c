"""HEVC's settings on the frontier of bits against time that a search over x265's options finds on real tiles."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.clock import pairwise
from benchmarks.rows import Row
from benchmarks.x265_figure import draw
from benchmarks.x265_search import Cost, read_references, search, time_again
from lightning_app.records.rows import write_rows

TURNS = 3


def run(shared: Path, output: Path) -> list[Row]:
    """The default against the best of the paper's tools and of all, and `faster` against the default.

    What these rows compare is timed again, turn by turn.
    """
    references = read_references(shared)
    costs = search(references)
    write_rows(output / "x265.csv", Cost, costs)
    draw(costs, output / "x265.png")
    named = {cost.name: cost for cost in costs}
    paper, faster = named["paper"], named["faster"]
    rival = _as_good(paper, [cost for cost in costs if cost.papers_tools])
    best = _as_good(paper, costs)
    times = time_again([cost.name for cost in (paper, faster, rival, best)], references, TURNS)
    what = "HEVC's default, CPU time of a lossy tile"
    papers = f"the fastest of the paper's tools that needs no more bits ({rival.name})"
    of_all = f"the fastest of all {len(costs)} settings that needs no more bits ({best.name})"
    return [
        _against(what, papers, times["paper"], times[rival.name], "≥", 0.95),
        _against(what, of_all, times["paper"], times[best.name]),
        _at_most("HEVC's default, BD-rate", 2.5, paper.bd_rate),
        _against("`faster`, CPU time of a lossy tile", "HEVC's default", times["faster"], times["paper"], "≥", 1.5),
        _at_most("`faster`, BD-rate", 5, faster.bd_rate),
    ]


def _against(what: str, against: str, ours: list[float], theirs: list[float], *bound: Any) -> Row:
    return Row(what, against, "ms", median(ours), median(theirs), pairwise(theirs, ours), *bound)


def _at_most(what: str, most: float, rate: float) -> Row:
    return Row(what, f"HM 16.12, at most {most} % more bits", "%", rate, most, rate / most, "≤", 1)


def _as_good(cost: Cost, costs: Sequence[Cost]) -> Cost:
    """The fastest that needs no more bits; at worst the one that is asked about."""
    return min((other for other in costs if other.bd_rate <= cost.bd_rate), key=lambda other: other.milliseconds)
