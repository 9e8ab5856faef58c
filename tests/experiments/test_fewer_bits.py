"""The table of docs/evidence/fewer-bits.md is that of the measured rows, and each row is one thing to type."""

from collections import Counter
from pathlib import Path

from experiments.fewer_bits.measure import Gain
from experiments.fewer_bits.plan import LEVELS, ROWS, cuts
from experiments.fewer_bits.table import BEGIN, END, rendered
from lightning_app.records.points import read_points
from lightning_app.records.rows import read_rows

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "results/fewer-bits"


def test_the_page_has_the_table_that_the_results_give() -> None:
    gains = read_rows(RESULTS / "gains.csv", Gain, "gains.csv of the experiment")
    _, _, rest = (ROOT / "docs/evidence/fewer-bits.md").read_text("utf-8").partition(BEGIN)
    assert rest.partition(END)[0] == f"\n{rendered(gains)}\n"


def test_every_row_of_the_plan_was_measured_at_every_point() -> None:
    measured = Counter((point.split, point.weights) for point in read_points(RESULTS / "points.csv"))
    planned = {(cut.split, row.name): len(LEVELS) if row.by_levels else 10 for cut in cuts(Path()) for row in cut.rows}
    assert measured == planned


def test_rows_that_sweep_levels_name_no_qp_but_lossless() -> None:
    for row in ROWS:
        swept = row.swept
        assert (swept[swept.index("--qps") + 1] == "[lossless]") == row.by_levels
