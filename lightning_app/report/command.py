"""``dfc report``: from ``points.csv`` files to a table and a figure."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console

from lightning_app.report.figures import draw_rate_accuracy
from lightning_app.report.points import Point, read_points
from lightning_app.report.tables import comparison_table


def run(arguments: list[str]) -> None:
    """Parse a command line and run it."""
    parser = argparse.ArgumentParser(prog="dfc report", description="Compare systems by mAP and kilobits per image.")
    parser.add_argument("points", nargs="+", metavar="NAME=POINTS.csv", help="what to call a system, and its points")
    parser.add_argument("--output", type=Path, default=Path("rate_accuracy.png"), help="figure to draw (.png or .svg)")
    options = parser.parse_args(arguments)
    systems = dict(_named_points(text) for text in options.points)
    console = Console()
    console.print(comparison_table(systems))
    draw_rate_accuracy(systems, options.output)
    console.print(f"Drawn to {options.output}", soft_wrap=True)


def _named_points(text: str) -> tuple[str, list[Point]]:
    """``default weights=runs/a/points.csv`` -> its name and its points; without a name its folder's."""
    name, equals, path = text.rpartition("=")
    return (name if equals else Path(path).parent.name), read_points(Path(path))
