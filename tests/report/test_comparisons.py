"""comparisons.md and the figure of the penalty of coding."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from lightning_app.records.comparisons import Comparison, write_comparisons
from lightning_app.records.points import Point, write_points
from lightning_app.report.canvas import journal_style
from lightning_app.report.comparisons_page import comparisons_page
from lightning_app.report.penalty import penalties, penalty_figure

ROW = Comparison(
    ours="retrained at max_5",
    theirs="control",
    split="max_5",
    curve="max_5 tiled 8-bit HEVC",
    qp="37",
    runs=3,
    map_ours=0.3712,
    map_theirs=0.3001,
    map_difference=0.0711,
    map_low=0.0402,
    map_high=0.101,
    map_low_pictures=0.05,
    map_high_pictures=0.092,
    penalty_ours=0.4,
    penalty_theirs=0.97,
    penalty_difference=-0.57,
    penalty_low=-0.7,
    penalty_high=-0.45,
)
UNCODED = replace(ROW, split="", curve="cloud-only original", qp="original", penalty_ours=0, penalty_theirs=0)
LOSSLESS = replace(ROW, qp="lossless", penalty_ours=0.001, penalty_theirs=-0.001)
DEFAULT = replace(ROW, ours="control", theirs="default", penalty_ours=0.97, penalty_theirs=0.85)
ROWS = [
    DEFAULT,
    ROW,
    replace(ROW, qp="42", penalty_ours=2.0, penalty_theirs=5.8),
    replace(DEFAULT, qp="42", penalty_ours=5.8, penalty_theirs=5.9),
    replace(ROW, ours="retrained at max_7", split="max_7", curve="max_7 tiled 8-bit HEVC", penalty_ours=0.005),
    LOSSLESS,
    UNCODED,
]


def cells(page: str, qp: str) -> list[str]:
    (line,) = [line for line in page.splitlines() if line.startswith(f"| {qp} |")]
    return [cell.strip() for cell in line.strip("|").split(" | ")]


def test_a_row_has_both_ways_their_difference_and_what_it_hangs_on() -> None:
    page = comparisons_page([ROW])
    assert "## retrained at max_5, less control\n\n3 runs each.\n\n### max_5 tiled 8-bit HEVC" in page
    maps = ["37", "37.12", "30.01", "+7.11", "+5.00 to +9.20", "+4.02 to +10.10"]
    assert cells(page, "37") == [*maps, "+0.40", "+0.97", "−0.57", "−0.70 to −0.45", "0.41"]


def test_uncoded_pictures_have_no_penalty_and_a_penalty_of_nothing_no_ratio() -> None:
    page = comparisons_page([UNCODED, LOSSLESS])
    assert cells(page, "original")[-5:] == ["–"] * 5
    assert cells(page, "lossless")[-5:] == ["+0.00", "+0.00", "−0.57", "−0.70 to −0.45", "–"]


def test_every_way_has_its_penalties_at_qps_that_are_numbers() -> None:
    assert penalties(ROWS) == {
        ("max_5", "control"): {37: 0.97, 42: 5.8},
        ("max_5", "default"): {37: 0.85, 42: 5.9},
        ("max_5", "retrained"): {37: 0.4, 42: 2.0},
        ("max_7", "retrained"): {37: 0.005},
        ("max_7", "control"): {37: 0.97},
    }


def test_the_figure_says_split_by_colour_and_marker_and_the_way_by_the_line() -> None:
    with journal_style():
        figure = penalty_figure(ROWS)
        assert figure is not None
        figure.canvas.draw()
    (axes,) = figure.axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("QP", "Loss of coded − of uncoded pictures")
    assert [text.get_text() for text in axes.get_xticklabels()] == ["37", "42"]
    named = [[text.get_text() for text in legend.get_texts()] for legend in figure.legends]
    assert named == [["max_5", "max_7"], ["default", "retrained", "control"]]
    looks = [(line.get_color(), line.get_marker(), str(vars(line)["_dash_pattern"])) for line in axes.lines]
    assert len(looks) == 4  # a penalty of .005 is below what is drawn
    assert len({look[1:] for look in looks}) == 4  # in grey too


def test_without_a_lossy_point_there_is_no_figure() -> None:
    assert penalty_figure([UNCODED, LOSSLESS]) is None


def test_report_writes_both_when_it_is_given_comparisons(
    dfc: Callable[..., tuple[int, str, str]], workplace: Path, systems: dict[str, tuple[list[Point], object]]
) -> None:
    write_points(workplace / "points.csv", systems["default"][0])
    write_comparisons(workplace / "comparisons.csv", ROWS)
    status, out, err = dfc("report", "points.csv", "--comparisons", "comparisons.csv", "--output", "r")
    assert status == 0, err
    assert {"comparisons.md", "penalty.png", "penalty.svg"} <= {path.name for path in Path("r").iterdir()}
    assert "penalty.png" in out
    first = Path("r/penalty.png").read_bytes(), Path("r/penalty.svg").read_bytes()
    assert dfc("report", "points.csv", "--comparisons", "comparisons.csv", "--output", "r")[0] == 0
    assert first == (Path("r/penalty.png").read_bytes(), Path("r/penalty.svg").read_bytes())
    status, _, err = dfc("report", "points.csv", "--comparisons", "points.csv", "--output", "r")
    assert (status, "points.csv is no comparisons.csv" in err) == (2, True)
