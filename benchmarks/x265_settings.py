"""HEVC's settings on the frontier of bits against time that a search over x265's options finds on real tiles."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.rows import Row
from benchmarks.x265_figure import draw
from benchmarks.x265_search import Cost, read_references, search
from lightning_app.codecs.x265 import SETTINGS
from lightning_app.report.rows import write_rows

TURNS = 1


def run(shared: Path, output: Path) -> list[Row]:
    """The default against the best of the paper's tools and of all, and `faster` against the default."""
    costs = search(read_references(shared), TURNS)
    named = {cost.name: cost for cost in costs if cost.name in SETTINGS}
    paper, faster = named["paper"], named["faster"]
    rival = _as_good(paper, [cost for cost in costs if cost.papers_tools])
    best = _as_good(paper, costs)
    write_rows(output / "x265.csv", Cost, costs)
    draw(costs, output / "x265.png")
    what = "HEVC's default, CPU time of a lossy tile"
    return [
        Row(
            what,
            f"the fastest of the paper's tools that needs no more bits ({rival.name})",
            "ms",
            paper.milliseconds,
            rival.milliseconds,
            rival.milliseconds / paper.milliseconds,
            "≥",
            0.95,
        ),
        Row(
            what,
            f"the fastest of all {len(costs)} settings that needs no more bits ({best.name})",
            "ms",
            paper.milliseconds,
            best.milliseconds,
            best.milliseconds / paper.milliseconds,
        ),
        Row(
            "HEVC's default, BD-rate",
            "HM 16.12, at most 2.5 % more bits",
            "%",
            paper.bd_rate,
            2.5,
            paper.bd_rate / 2.5,
            "≤",
            1,
        ),
        Row(
            "`faster`, pictures a second of CPU",
            "HEVC's default",
            "1/s",
            1000 / faster.milliseconds,
            1000 / paper.milliseconds,
            paper.milliseconds / faster.milliseconds,
            "≥",
            1.5,
        ),
        Row("`faster`, BD-rate", "HM 16.12, at most 5 % more bits", "%", faster.bd_rate, 5, faster.bd_rate / 5, "≤", 1),
    ]


def _as_good(cost: Cost, costs: Sequence[Cost]) -> Cost:
    """The fastest that needs no more bits; at worst the one that is asked about."""
    return min((other for other in costs if other.bd_rate <= cost.bd_rate), key=lambda other: other.milliseconds)
