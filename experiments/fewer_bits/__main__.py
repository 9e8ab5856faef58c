"""``python -m experiments.fewer_bits``: every row that is not measured yet, then the table."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from experiments.fewer_bits.measure import Gain, baseline, compared, measured
from experiments.fewer_bits.plan import ROWS
from experiments.fewer_bits.table import put_into
from experiments.voc_subset.plan import subjects
from experiments.voc_subset.steps import Steps
from lightning_app.records.points import Point, write_points
from lightning_app.records.rows import write_rows

SPLIT = "max_5"


def main() -> None:
    """Run what is not done."""
    parser = argparse.ArgumentParser(prog="python -m experiments.fewer_bits", description=__doc__)
    parser.add_argument("--devkit", type=Path, required=True, help="the folder that holds VOC2007")
    parser.add_argument("--weights", type=Path, required=True, help="the folder that holds yolo-lite and yolo-fastest")
    parser.add_argument("--work", type=Path, default=Path("runs/voc-subset"), help="for checkpoints and evaluations")
    parser.add_argument("--results", type=Path, default=Path("results/fewer-bits"), help="for CSVs")
    options = parser.parse_args()
    steps, (subject, _) = Steps(options.devkit, options.work), subjects(options.weights)
    default = baseline(steps, subject, SPLIT)
    gains: list[Gain] = []
    points: list[Point] = []
    for row in ROWS:
        gain, found = compared(row, SPLIT, measured(steps, subject, SPLIT, row), default)
        gains.append(gain)
        points += [replace(point, weights=row.name, network=Path(point.network).name) for point in found]
        options.results.mkdir(parents=True, exist_ok=True)
        write_rows(options.results / "gains.csv", Gain, gains)
        write_points(options.results / "points.csv", points)
        put_into(Path("docs/fewer-bits.md"), gains)


if __name__ == "__main__":
    main()
