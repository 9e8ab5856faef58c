"""``python -m experiments.fewer_bits``: every row that does not stand in the CSVs yet, then the table."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from experiments.fewer_bits.kept import Kept
from experiments.fewer_bits.measure import Gain, baseline, compared, measured
from experiments.fewer_bits.plan import cuts
from experiments.fewer_bits.table import put_into
from experiments.voc_subset.options import experiment_parser
from experiments.voc_subset.steps import Steps
from lightning_app.records.points import Point
from lightning_app.records.rows import read_rows


def main() -> None:
    """Run what is not done. A row is measured again when its line is taken out of ``gains.csv``."""
    options = experiment_parser("fewer_bits", __doc__, Path("results/fewer-bits")).parse_args()
    steps, planned = Steps(options.devkit, options.work), cuts(options.weights)
    order = [(cut.split, row.name) for cut in planned for row in cut.rows]
    gains = Kept(options.results / "gains.csv", Gain, "name")
    points = Kept(options.results / "points.csv", Point, "weights")
    for cut in planned:
        for row in cut.rows:
            if (cut.split, row.name) in gains:
                continue
            default = baseline(steps, cut.subject, cut.split)
            gain, found = compared(row, cut.split, measured(steps, cut.subject, cut.split, row), default)
            named = [replace(point, weights=row.name, network=Path(point.network).name) for point in found]
            points.add(named, order)  # the row counts as measured by its gain, which comes last
            gains.add([gain], order)
    put_into(Path("docs/evidence/fewer-bits.md"), read_rows(gains.path, Gain, "gains.csv of this experiment"))


if __name__ == "__main__":
    main()
