"""A report says what stood for the true boxes, and mixes no two truths."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from lightning_app.errors import DataError
from lightning_app.records.comparisons import Comparison, write_comparisons
from lightning_app.records.differences import Difference
from lightning_app.records.points import Point, write_points
from lightning_app.report.figure4 import lossless_figure
from lightning_app.report.figure5 import lossy_figure
from lightning_app.report.write import write_report

Dfc = Callable[..., tuple[int, str, str]]
Systems = dict[str, tuple[list[Point], list[Difference]]]
TEACHER = "teacher trial3.weights 5f0c1b2a9d3e"
COMPARED = Comparison("a", "b", "max_5", "max_5 tiled 8-bit HEVC", "37", 1, *(0.5,) * 12, TEACHER)


def taught(systems: Systems, truth: str = TEACHER) -> Systems:
    """The same, measured against a teacher."""
    return {
        name: ([replace(p, truth=truth) for p in points], [replace(d, truth=truth) for d in differences])
        for name, (points, differences) in systems.items()
    }


def test_every_figure_and_page_says_that_a_teacher_stood_for_the_true_boxes(systems: Systems, tmp_path: Path) -> None:
    write_report(taught(systems), tmp_path / "teacher")
    write_report(systems, tmp_path / "annotations")
    for page in ("points.md", "table1.md"):
        assert "The true boxes are what the teacher trial3.weights finds" in (tmp_path / "teacher" / page).read_text()
        assert "teacher" not in (tmp_path / "annotations" / page).read_text()
    assert "the paper's, as printed, against annotations" in (tmp_path / "teacher/points.md").read_text()
    for draw in (lossless_figure, lossy_figure):
        figure, plain = draw(taught(systems)), draw(systems)
        assert figure is not None
        assert plain is not None
        assert figure.axes[0].get_ylabel() == "mAP against the teacher (%)"
        assert plain.axes[0].get_ylabel() == "mAP, 11-point (%)"


@pytest.mark.parametrize("truth", ["annotations", "teacher trial3.weights 000000000000"])
def test_systems_of_different_truths_make_no_report(systems: Systems, tmp_path: Path, truth: str) -> None:
    mixed = {"default": taught(systems)["default"], "retrained": taught(systems, truth)["retrained"]}
    with pytest.raises(DataError, match="results of different truths cannot be compared"):
        write_report(mixed, tmp_path / "report")
    assert not (tmp_path / "report").exists()


def test_comparisons_of_another_truth_are_not_drawn_beside_points(dfc: Dfc, systems: Systems) -> None:
    points, _ = systems["default"]
    write_points(Path("annotated.csv"), points)
    write_points(Path("taught.csv"), [replace(point, truth=TEACHER) for point in points])
    write_comparisons(Path("c.csv"), [COMPARED])
    status, _, err = dfc("report", "annotated.csv", "--comparisons", "c.csv")
    assert (status, err.count("\n")) == (2, 1)
    assert "results of different truths cannot be compared (annotations; teacher trial3.weights 5f0c1b2a9d3e)" in err
    assert not Path("report").exists()
    assert dfc("report", "taught.csv", "--comparisons", "c.csv")[0] == 0
    assert "The true boxes are what the teacher trial3.weights finds" in Path("report/comparisons.md").read_text()


def test_systems_of_different_levels_of_recall_make_no_report(systems: Systems, tmp_path: Path) -> None:
    points, differences = systems["retrained"]
    mixed = {**systems, "retrained": ([replace(point, recall_levels="arange") for point in points], differences)}
    with pytest.raises(DataError, match="results of different recall levels cannot be compared"):
        write_report(mixed, tmp_path / "report")
