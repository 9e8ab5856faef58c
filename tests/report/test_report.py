"""From points.csv to table and figure, without torch."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from lightning_app.errors import DataError
from lightning_app.report.points import Point, read_points, write_points

POINT = Point("feature", "a.cfg", "a.weights", "max_7", "tiled", "HEVC", "8", "32", 357, 37.5, 6.25, 0.376, 0.366, 0)
WHOLE = replace(POINT, system="cloud-only", split="", codec="original", bits="", qp="", kbpi=710.3, map=0.381)


def test_points_are_read_as_they_were_written(tmp_path: Path) -> None:
    write_points(tmp_path / "run" / "points.csv", [POINT, WHOLE])
    assert read_points(tmp_path / "run" / "points.csv") == [POINT, WHOLE]


def test_each_point_has_a_short_name() -> None:
    assert [p.label for p in (POINT, replace(POINT, qp="lossless"), WHOLE)] == ["qp32", "lossless", "plain"]


def test_report_prints_percent_and_draws(dfc: Callable[..., tuple[int, str, str]], workplace: Path) -> None:
    lossless = replace(POINT, qp="lossless", kbpi=160.0, map=0.38)
    write_points(workplace / "a/points.csv", [lossless, POINT])
    write_points(workplace / "whole/points.csv", [WHOLE])
    status, out, err = dfc("report", "default weights=a/points.csv", "whole/points.csv", "--output", "fig/map.png")
    assert status == 0, err
    rows = [[cell.strip() for cell in line.strip("│ \n").split("│")] for line in out.splitlines() if "│" in line]
    assert ["default weights", "32", "37.50", "37.60"] in rows
    assert ["whole/points.csv", "–", "710.30", "38.10"] in rows
    with Image.open("fig/map.png") as figure:
        assert figure.width >= 900
        colours = figure.convert("RGB").getcolors(maxcolors=2**24) or []
    assert (0x0B, 0x53, 0x94) in [colour for _, colour in colours]  # the first curve's


def test_report_refuses_two_systems_of_one_name_and_other_formats(
    dfc: Callable[..., tuple[int, str, str]], workplace: Path
) -> None:
    write_points(workplace / "lr=1/points.csv", [POINT])
    assert dfc("report", "a=lr=1/points.csv", "lr=1/points.csv")[0] == 0
    status, _, err = dfc("report", "a=lr=1/points.csv", "a=lr=1/points.csv")
    assert (status, err) == (2, "dfc: two systems are called 'a'; write NAME=POINTS.csv to tell them apart\n")
    status, _, err = dfc("report", "lr=1/points.csv", "--output", "map.bmp")
    assert (status, err) == (2, "dfc: a figure is drawn as .png or .svg or .pdf, not 'map.bmp'\n")


CUT_OFF = ",".join(vars(POINT)) + "\nfeature,a.cfg\n"


@pytest.mark.parametrize("content", ["", "system,network\nfeature,a.cfg\n", CUT_OFF])
def test_another_csv_is_refused_by_name(tmp_path: Path, content: str) -> None:
    (tmp_path / "points.csv").write_text(content)
    with pytest.raises(DataError, match=r"points\.csv is no points\.csv that"):
        read_points(tmp_path / "points.csv")


@pytest.mark.parametrize("arguments", [["--help"], ["report", "--help"], ["--version"]])
def test_help_and_report_import_no_torch(arguments: list[str]) -> None:
    script = (
        "import sys; from lightning_app.__main__ import main; sys.argv = ['dfc', *sys.argv[1:]]\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print('torch' in sys.modules or 'pytorch_lightning' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "False"
    assert "dfc" in result.stdout
