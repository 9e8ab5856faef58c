"""``python -m experiments.fewer_bits``: every row that is not measured yet, then the table."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from experiments.fewer_bits.measure import Gain, baseline, compared, measured
from experiments.fewer_bits.plan import cuts
from experiments.fewer_bits.table import put_into
from experiments.voc_subset.options import experiment_parser
from experiments.voc_subset.steps import Steps
from lightning_app.records.points import Point, write_points
from lightning_app.records.rows import write_rows


def main() -> None:
    """Run what is not done."""
    options = experiment_parser("fewer_bits", __doc__, Path("results/fewer-bits")).parse_args()
    steps = Steps(options.devkit, options.work)
    gains: list[Gain] = []
    points: list[Point] = []
    for cut in cuts(options.weights):
        default = baseline(steps, cut.subject, cut.split)
        for row in cut.rows:
            gain, found = compared(row, cut.split, measured(steps, cut.subject, cut.split, row), default)
            gains.append(gain)
            points += [replace(point, weights=row.name, network=Path(point.network).name) for point in found]
            options.results.mkdir(parents=True, exist_ok=True)
            write_rows(options.results / "gains.csv", Gain, gains)
            write_points(options.results / "points.csv", points)
            put_into(Path("docs/evidence/fewer-bits.md"), gains)


if __name__ == "__main__":
    main()
