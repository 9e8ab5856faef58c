"""The figures and numbers of ``results/`` are what ``dfc report`` makes of the CSV files beside them."""

import contextlib
import csv
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
FIGURES = [f"{name}.{kind}" for name in ("fig4", "fig5", "penalty") for kind in ("png", "svg")]
MADE = (*FIGURES, "table1.md", "points.md", "comparisons.md")
REPORTS = {
    "results/demo": (
        "trained plainly=results/demo/plain.csv",
        "retrained with HEVC=results/demo/retrained.csv",
    ),
    "results/voc-subset/yolo-lite": (
        "default=results/voc-subset/yolo-lite/default",
        "distilled=results/voc-subset/yolo-lite/distilled",
        "--comparisons=results/voc-subset/yolo-lite/comparisons.csv",
    ),
    "results/voc-subset/yolo-fastest-xl": (
        "default=results/voc-subset/yolo-fastest-xl/default",
        "distilled=results/voc-subset/yolo-fastest-xl/distilled",
        "--comparisons=results/voc-subset/yolo-fastest-xl/comparisons.csv",
    ),
}
"""Folders, and the arguments of the reports that they keep, in whole or in part."""


@pytest.mark.parametrize("folder", REPORTS)
def test_the_results_are_remade_from_their_csvs(
    dfc: Callable[..., tuple[int, str, str]], workplace: Path, folder: str
) -> None:
    (workplace / "results").symlink_to(ROOT / "results")
    status, _, err = dfc("report", *REPORTS[folder], "--output", "remade")
    assert status == 0, err
    kept = [ROOT / folder / name for name in MADE if (ROOT / folder / name).exists()]
    assert {path.suffix for path in kept} >= {".png", ".md"}
    for path in kept:
        remade = workplace / "remade" / path.name
        if path.suffix == ".png":
            assert np.array_equal(np.asarray(Image.open(path)), np.asarray(Image.open(remade))), path
        else:
            assert path.read_bytes() == remade.read_bytes(), path


def test_every_number_of_the_experiments_page_and_of_readmes_opening_is_in_its_csvs() -> None:
    folder = ROOT / "results/voc-subset"
    known = set(re.findall(r"\d+\.\d\d", " ".join(path.read_text() for path in folder.rglob("*/*.md"))))
    for path in folder.rglob("*.csv"):
        for cell in (cell for row in csv.reader(path.read_text().splitlines()) for cell in row):
            with contextlib.suppress(ValueError):
                known |= {f"{abs(float(cell)):.2f}", f"{abs(100 * float(cell)):.2f}"}
    opening = (ROOT / "README.md").read_text().partition("## Words")[0]
    said = re.findall(r"\d+\.\d\d", (folder / "README.md").read_text() + opening)
    assert len(said) > 80
    assert [number for number in said if number not in known] == []
