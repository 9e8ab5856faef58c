"""table1.md and points.md: the numbers as a person reads them, and the paper's beside them."""

from dataclasses import replace
from pathlib import Path

from lightning_app.records.differences import Difference
from lightning_app.records.points import Point
from lightning_app.report.markdown import signed
from lightning_app.report.points_page import points_page
from lightning_app.report.series import without_transforms
from lightning_app.report.table1 import table1_page
from lightning_app.report.web.write import write_web_page
from lightning_app.report.write import write_report

Systems = dict[str, tuple[list[Point], list[Difference]]]


def rows(page: str | None) -> list[list[str]]:
    assert page is not None
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in page.splitlines() if line[:1] == "|"]


def test_table_1_has_a_row_a_split_and_three_measures_a_set_of_weights(systems: Systems) -> None:
    head, _, max_5, max_7, max_9, *_ = rows(table1_page(systems))
    assert [name.split(":")[0] for name in head] == ["Split at", *3 * ["default"], *3 * ["retrained"]]
    assert [max_5[0], max_7[0], max_9[0]] == ["max_5", "max_7", "max_9"]
    pchip, gain = "−57.90 [−61.10 to −53.80]", "+4.12 [+3.72 to +4.62]"
    assert max_7[:4] == ["max_7", "−58.21", pchip, gain]
    assert max_7[4] == "−66.05"


def test_weights_with_one_transform_stand_beside_those_without_at_the_same_split(systems: Systems) -> None:
    plain, (points, differences) = systems["default"], systems["retrained"]
    transformed = [replace(p, transform="KLT(0.5)") if p.split else p for p in points]
    renamed = [replace(d, curve=d.curve.replace(d.split, f"{d.split} KLT(0.5)", 1)) for d in differences]
    shown = without_transforms({"default": plain, "retrained": (transformed, renamed)})
    assert shown == {"default": plain, "retrained": (points, differences)}
    # One set of weights with and without it: there the name says which.
    both: Systems = {"default": ([*points, *transformed], [])}
    assert without_transforms(both) == both


def test_a_missing_cubic_is_a_dash_with_the_sentence_that_says_why(systems: Systems) -> None:
    page = table1_page(systems)
    _, _, max_5, _, max_9, *_ = rows(page)
    assert (max_5[1], max_9[4]) == ("– [^1]", "– [^1]")  # one sentence, one number
    assert max_5[4:] == ["–", "–", "–"]  # not measured
    assert page is not None
    assert page.endswith("\n[^1]: The cubic through these points is not monotone, so its integral means nothing.\n")


def test_a_note_stands_at_what_is_missing_or_else_at_the_first_number() -> None:
    doubted = Difference("max_7 tiled 8-bit HEVC", "max_7", "w", "a", -1.0, -2.0, bd_map=0.01, note="Few points.")
    _, _, max_7, *_ = rows(table1_page({"default": ([], [doubted])}))
    assert max_7 == ["max_7", "−1.00 [^1]", "−2.00", "+1.00"]
    missing = replace(doubted, bd_map=None)
    assert rows(table1_page({"default": ([], [missing])}))[2] == ["max_7", "−1.00", "−2.00", "– [^1]"]


def test_table_1_shows_the_papers_values_as_the_papers_alone(systems: Systems) -> None:
    page = table1_page(systems)
    assert page is not None
    ours, theirs = page.split("## As the paper prints it")
    assert rows(theirs)[2:] == [["max_11", "−6.09", "−45.23"], ["max_17", "−60.30", "−70.30"]]
    assert "YOLO9000's VOC detector" in theirs
    assert "max_11" not in ours


def test_weights_that_were_not_compared_have_no_columns_and_none_at_all_no_table(systems: Systems) -> None:
    (points, differences), (again, _) = systems.values()
    assert len(rows(table1_page({"default": (points, differences), "retrained": (again, [])}))[0]) == 4
    assert table1_page({"default": (points, [])}) is None


def test_points_are_in_percent_with_all_that_an_evaluation_adds(systems: Systems) -> None:
    page = points_page(systems)
    found = rows(page)
    assert found[0] == ["System", "QP", "KBPI ± std", "mAP (%)", "± std", "95 % interval", "mAP, area (%)", "Loss"]
    name = "max_7 tiled 8-bit HEVC"
    assert [name, "22", "76.10 ± 19.02", "38.36", "1.15", "36.16 to 40.66", "37.76", "3.62"] in found
    assert len([row for row in found if row[1] == "47"]) == 7
    assert "`trial3.weights`, 357 pictures, seed 0, commit 4c77b4b." in page


def test_columns_that_no_point_fills_are_left_out(systems: Systems) -> None:
    bare = [Point(*("feature", "n", "w", "max_7", "tiled", "HEVC", "8", "32"), 9, 37.5, 6.25, 0.376, 0.366, 0)]
    assert rows(points_page({"a": (bare, [])}))[0] == ["System", "QP", "KBPI ± std", "mAP (%)", "mAP, area (%)"]


def test_lossless_map_stands_beside_the_papers(systems: Systems) -> None:
    *_, default, retrained, paper = rows(points_page(systems))
    assert default == ["default", "37.95 to 38.06"]
    assert retrained == ["retrained", "38.05 to 38.10"]
    assert paper == ["the paper's, as printed", "74.65 to 74.75"]
    lossy = [point for point in systems["default"][0] if point.qp != "lossless"]
    assert "Lossless" not in points_page({"default": (lossy, [])})


def test_a_pipe_in_a_name_breaks_no_table(systems: Systems) -> None:
    page = points_page({"a|b": systems["default"]})
    assert "| a\\|b | 37.95 to 38.06 |" in page


def test_signs_are_true_and_zero_is_not_negative() -> None:
    assert [signed(value) for value in (-6.094, 3.0, -0.001)] == ["−6.09", "+3.00", "+0.00"]


def test_levels_of_recall_are_named_where_they_are_not_the_default(systems: Systems, tmp_path: Path) -> None:
    other: Systems = {
        name: ([replace(p, recall_levels="arange") for p in some], []) for name, (some, _) in systems.items()
    }
    assert "recall levels" not in points_page(systems)
    assert "seed 0, recall levels of arange, commit" in points_page(other)
    write_report(other, tmp_path)
    page = write_web_page(other, tmp_path)
    assert "seed 0, recall levels of arange, commit" in page.read_text()
