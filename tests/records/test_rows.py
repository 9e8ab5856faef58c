"""Dataclasses as rows of CSV files, there and back."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from lightning_app.errors import DataError
from lightning_app.records.differences import Difference
from lightning_app.records.rows import read_rows, write_rows


@dataclass(frozen=True)
class Row:
    """A row with a field of every kind."""

    name: str
    count: int
    share: float
    spread: float | None = None
    note: str = "none"


ROWS = [Row("a, b", 3, 0.1, None, ""), Row("ä\n", -1, 1e-300, 2.5)]
NEEDED = "name,count,share\n"


def test_rows_are_read_as_they_were_written(tmp_path: Path) -> None:
    write_rows(tmp_path / "deep/rows.csv", Row, ROWS)
    assert read_rows(tmp_path / "deep/rows.csv", Row, "rows") == ROWS


def test_columns_with_a_default_may_be_absent_and_other_columns_there(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("more,name,count,share\nx,a,1,2\n")
    assert read_rows(tmp_path / "rows.csv", Row, "rows") == [Row("a", 1, 2.0)]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "it has no column count"),
        ("name,count\na,1\n", "it has no column share"),
        (NEEDED + "a,1\n", "a row is cut off"),
        (NEEDED + "a,1.5,2\n", "invalid literal for int"),
        (NEEDED + "a,1,\n", "could not convert string to float"),
    ],
)
def test_what_are_no_such_rows_is_refused_and_it_is_said_why(tmp_path: Path, content: str, why: str) -> None:
    (tmp_path / "rows.csv").write_text(content)
    with pytest.raises(DataError, match=rf"rows\.csv is no list of rows: .*{why}"):
        read_rows(tmp_path / "rows.csv", Row, "list of rows")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"absent\.csv is no list of rows: .*No such file"):
        read_rows(tmp_path / "absent.csv", Row, "list of rows")


def test_a_difference_is_said_with_how_sure_it_is() -> None:
    known = Difference("max_7", "max_7", "w", "HEVC420", None, -71.5, -80.25, -60.0, 0.036, note="A note.")
    assert known.block == "max_7 against HEVC420:\n  BD-KBPI-mAP -71.50 % [-80.25 to -60.00]\n  A note."
    assert Difference("max_7", "max_7", "w", "HEVC420").block == "max_7 against HEVC420:\n  BD-KBPI-mAP –"
