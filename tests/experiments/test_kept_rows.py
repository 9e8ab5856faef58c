"""What `make fewer-bits` has measured once, it does not change any more."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from experiments.fewer_bits.kept import Kept


@dataclass(frozen=True)
class Line:
    split: str
    name: str
    bits: float | None
    levels: str = "tenths"


OLD = "split,name,bits\nmax_5,a,1.50\nmax_5,c,\nmax_7,a,3\n"
ORDER = [("max_5", "a"), ("max_5", "b"), ("max_5", "c"), ("max_7", "a")]


def test_a_new_row_goes_to_its_place_and_the_others_stay_to_the_byte(tmp_path: Path) -> None:
    path = tmp_path / "gains.csv"
    path.write_text(OLD)
    kept = Kept(path, Line, "name")
    assert ("max_5", "c") in kept
    assert ("max_5", "b") not in kept
    kept.add([Line("max_5", "b", 0.25), Line("max_5", "b", None)], ORDER)
    assert path.read_text() == OLD.replace("max_5,c", "max_5,b,0.25\nmax_5,b,\nmax_5,c")


def test_a_column_that_the_file_lacks_loses_no_value(tmp_path: Path) -> None:
    path = tmp_path / "gains.csv"
    path.write_text(OLD)
    with pytest.raises(ValueError, match="no column levels"):
        Kept(path, Line, "name").add([Line("max_5", "b", 0.25, levels="arange")], ORDER)


def test_a_row_that_is_planned_no_more_goes(tmp_path: Path) -> None:
    path = tmp_path / "gains.csv"
    path.write_text(OLD)
    Kept(path, Line, "name").add([], ORDER[:3])
    assert path.read_text() == OLD.replace("max_7,a,3\n", "")


def test_a_file_that_is_not_there_gets_all_columns(tmp_path: Path) -> None:
    Kept(tmp_path / "new.csv", Line, "name").add([Line("max_5", "b", 0.25)], ORDER)
    assert (tmp_path / "new.csv").read_text() == "split,name,bits,levels\nmax_5,b,0.25,tenths\n"
