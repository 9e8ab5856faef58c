"""Matplotlib without its help draws the same."""

import subprocess
import sys
from pathlib import Path

from lightning_app.records.points import Point, write_points

POINT = Point("feature", "a.cfg", "a.weights", "max_7", "tiled", "HEVC", "8", "32", 357, 37.5, 6.25, 0.376, 0.366, 0)

HELP = """
from lightning_app.report.load_matplotlib import load_matplotlib
load_matplotlib()
from matplotlib.artist import Artist, kwdoc
from matplotlib.lines import Line2D
print("linewidth" in (Line2D.set.__doc__ or ""), "linewidth" in kwdoc(Line2D))
class Dot(Artist):
    pass
print("alpha" in Dot.set.__doc__)
"""
REPORT = "import sys; from lightning_app.__main__ import main; sys.exit(main())"


def test_matplotlib_is_loaded_without_its_help_and_can_write_it_afterwards() -> None:
    assert subprocess.check_output([sys.executable, "-c", HELP], text=True) == "False True\nTrue\n"


def test_a_report_has_the_same_bytes_whether_matplotlib_wrote_its_help_or_not(tmp_path: Path) -> None:
    write_points(tmp_path / "points.csv", [POINT])
    for name, first in (("with", "import matplotlib.figure;"), ("without", "")):
        arguments = ("report", f"a={tmp_path / 'points.csv'}", "--output", str(tmp_path / name))
        subprocess.run([sys.executable, "-c", first + REPORT, *arguments], check=True, capture_output=True)
    files = sorted((tmp_path / "with").iterdir())
    assert "fig5.svg" in {file.name for file in files}
    assert [file.read_bytes() for file in files] == [(tmp_path / "without" / file.name).read_bytes() for file in files]
