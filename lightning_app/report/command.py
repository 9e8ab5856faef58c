"""``dfc report``: from ``points.csv`` files to a table and a figure."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console

from lightning_app.errors import OptionError
from lightning_app.report.figures import draw_rate_accuracy
from lightning_app.report.points import Point, read_points
from lightning_app.report.tables import comparison_table

SUFFIXES = (".png", ".svg", ".pdf")


def run(arguments: list[str]) -> None:
    """Parse a command line and run it."""
    parser = argparse.ArgumentParser(prog="dfc report", description="Compare systems by mAP and kilobits per image.")
    parser.add_argument("points", nargs="+", metavar="NAME=POINTS.csv", help="what to call a system, and its points")
    parser.add_argument("--output", type=Path, default=Path("rate_accuracy.png"), help="figure to draw (.png or .svg)")
    options = parser.parse_args(arguments)
    if options.output.suffix not in SUFFIXES:
        raise OptionError(f"a figure is drawn as {' or '.join(SUFFIXES)}, not {options.output.name!r}")
    systems = _systems(options.points)
    console = Console()
    console.print(comparison_table(systems))
    draw_rate_accuracy(systems, options.output)
    console.print(f"Drawn to {options.output}", soft_wrap=True)


def _systems(arguments: list[str]) -> dict[str, list[Point]]:
    """The points of each system by its name; without a name its path is taken."""
    systems: dict[str, list[Point]] = {}
    for text in arguments:
        name, _, path = (text, "", text) if Path(text).exists() else text.partition("=")
        if name in systems:
            raise OptionError(f"two systems are called {name!r}; write NAME=POINTS.csv to tell them apart")
        systems[name] = read_points(Path(path or text))
    return systems
