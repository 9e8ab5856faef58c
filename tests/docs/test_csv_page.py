"""The page on the CSV files names every column, in its order."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from lightning_app.evaluation.results import PictureRow
from lightning_app.profiling.cuts import CutRow
from lightning_app.profiling.latency import Plan
from lightning_app.profiling.layers import Layer
from lightning_app.records.classes import ClassRow
from lightning_app.records.comparisons import Comparison
from lightning_app.records.differences import Difference
from lightning_app.records.points import Point

PAGE = Path(__file__).parents[2] / "docs/reference/csv.md"
ROWS = {
    "points": Point,
    "classes": ClassRow,
    "images": PictureRow,
    "bd": Difference,
    "comparisons": Comparison,
    "layers": Layer,
    "cuts": CutRow,
    "latency": Plan,
}


@pytest.mark.parametrize("name", ROWS)
def test_a_table_has_the_columns_of_its_file(name: str) -> None:
    _, _, after = PAGE.read_text().partition(f"\n## {name}.csv\n")
    part = after.partition("\n## ")[0]
    assert re.findall(r"(?m)^\| `(\w+)` \|", part) == [field.name for field in fields(ROWS[name])]


def test_every_file_has_a_table() -> None:
    assert re.findall(r"(?m)^## (\w+)\.csv$", PAGE.read_text()) == list(ROWS)
