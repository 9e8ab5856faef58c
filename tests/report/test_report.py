"""The command: folders and CSV files in, a folder out, one sentence where it cannot."""

import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from lightning_app.errors import DataError, OptionError
from lightning_app.records.differences import Difference, write_differences
from lightning_app.records.points import Point, read_points, write_points
from lightning_app.report.write import write_report

ROOT = Path(__file__).parents[2]
POINT = Point("feature", "a.cfg", "a.weights", "max_7", "tiled", "HEVC", "8", "32", 357, 37.5, 6.25, 0.376, 0.366, 0)
WHOLE = replace(POINT, system="cloud-only", split="", codec="original", depth="", qp="", kbpi=710.3, map=0.381)
EVERYTHING = ["fig4.png", "fig4.svg", "fig5.png", "fig5.svg", "points.md", "table1.md"]

Dfc = Callable[..., tuple[int, str, str]]
Systems = dict[str, tuple[list[Point], list[Difference]]]


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_points_are_read_as_they_were_written(tmp_path: Path) -> None:
    write_points(tmp_path / "run" / "points.csv", [POINT, WHOLE])
    assert read_points(tmp_path / "run" / "points.csv") == [POINT, WHOLE]


def test_each_point_has_a_short_name() -> None:
    assert [p.label for p in (POINT, replace(POINT, qp="lossless"), WHOLE)] == ["qp32", "lossless", "plain"]


def test_folders_of_evaluations_become_all_figures_and_pages(dfc: Dfc, workplace: Path, systems: Systems) -> None:
    for name, (points, differences) in systems.items():
        write_points(workplace / name / "points.csv", points)
        write_differences(workplace / name / "bd.csv", differences)
    status, out, err = dfc("report", "default=default", "retrained=retrained", "--output", "out/report")
    assert (status, err) == (0, "")
    written = sorted([*EVERYTHING, "report.html"])
    assert files(workplace / "out/report") == written
    assert [f"Written to out/report/{name}" for name in written] == sorted(out.splitlines()[-7:])
    assert "−58.21" in (workplace / "out/report/table1.md").read_text()


@pytest.mark.parametrize("known", [[], [replace(POINT, qp="lossless"), POINT]], ids=["none", "some"])
def test_points_without_an_object_to_find_stand_on_the_page_and_in_no_figure(
    tmp_path: Path, known: list[Point]
) -> None:
    unknown = [replace(p, map=math.nan, map_area=math.nan) for p in (replace(POINT, qp="lossless"), POINT, WHOLE)]
    write_report({"a": (unknown, []), "b": (known, [])}, tmp_path)
    assert [name for name in files(tmp_path) if name.startswith("fig")] == (EVERYTHING[:4] if known else [])
    assert "nan" in (tmp_path / "points.md").read_text()


def test_a_csv_alone_is_printed_in_percent_and_has_no_table_1(dfc: Dfc, workplace: Path) -> None:
    write_points(workplace / "a/points.csv", [replace(POINT, qp="lossless", kbpi=160.0, map=0.38), POINT])
    write_points(workplace / "whole/points.csv", [WHOLE])
    status, out, err = dfc("report", "[a] b=a/points.csv", "whole/points.csv", "--output", "out")
    assert status == 0, err
    rows = [[cell.strip() for cell in line.strip("│ \n").split("│")] for line in out.splitlines() if "│" in line]
    assert ["[a] b", "max_7 tiled 8-bit HEVC", "32", "37.50", "37.60"] in rows
    assert ["whole/points.csv", "cloud-only original", "–", "710.30", "38.10"] in rows
    assert files(workplace / "out") == [*EVERYTHING[:5], "report.html"]


def test_what_has_no_point_has_no_figure(tmp_path: Path) -> None:
    lossless = replace(POINT, qp="lossless")
    for name, point, figures in (("a", WHOLE, []), ("b", POINT, EVERYTHING[2:4]), ("c", lossless, EVERYTHING[:2])):
        write_report({"a": ([point], [])}, tmp_path / name)
        assert files(tmp_path / name) == [*figures, "points.md"]


def test_the_same_systems_give_the_same_bytes_whatever_matplotlib_is_set_to(
    tmp_path: Path, systems: Systems, monkeypatch: pytest.MonkeyPatch
) -> None:
    import matplotlib as mpl

    first = write_report(systems, tmp_path / "first")
    monkeypatch.setitem(mpl.rcParams, "axes.facecolor", "yellow")
    monkeypatch.setitem(mpl.rcParams, "svg.hashsalt", None)
    second = write_report(systems, tmp_path / "second")
    assert sorted(path.name for path in first) == EVERYTHING
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert mpl.rcParams["axes.facecolor"] == "yellow"


def test_report_refuses_two_systems_of_one_name(dfc: Dfc, workplace: Path) -> None:
    write_points(workplace / "lr=1/points.csv", [POINT])
    assert dfc("report", "a=lr=1/points.csv", "lr=1/points.csv")[0] == 0
    assert files(workplace / "report") == [*EVERYTHING[2:5], "report.html"]
    status, _, err = dfc("report", "a=lr=1/points.csv", "a=lr=1")
    assert (status, err) == (2, "dfc: two folders have the name 'a'; give each a NAME of its own, as NAME=FOLDER\n")


def test_report_refuses_a_file_as_its_folder_and_more_weights_than_it_can_tell_apart(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OptionError, match=r"file must be a folder that can be written: "):
        write_report({"a": ([POINT], [])}, tmp_path / "file")
    with pytest.raises(OptionError, match="at most 4 sets of weights apart, not 5"):
        write_report({name: ([POINT], []) for name in "abcde"}, tmp_path / "out")


CUT_OFF = ",".join(vars(POINT)) + "\nfeature,a.cfg\n"


@pytest.mark.parametrize("content", ["", "system,network\nfeature,a.cfg\n", CUT_OFF])
def test_another_csv_is_refused_by_name(tmp_path: Path, content: str) -> None:
    (tmp_path / "points.csv").write_text(content)
    with pytest.raises(DataError, match=r"points\.csv is no points\.csv that"):
        read_points(tmp_path / "points.csv")


@pytest.mark.parametrize("arguments", [["--help"], ["report", "--help"], ["--version"], ["report", "demo"]])
def test_help_and_report_import_no_torch_and_help_no_matplotlib(tmp_path: Path, arguments: list[str]) -> None:
    if arguments[-1] == "demo":
        arguments = ["report", str(ROOT / "results/demo/plain.csv"), "--output", str(tmp_path)]
    script = (
        "import sys; from lightning_app.__main__ import main; sys.argv = ['dfc', *sys.argv[1:]]\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print({'torch', 'pytorch_lightning', 'matplotlib'} & set(sys.modules))"
    )
    result = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == ("{'matplotlib'}" if "--output" in arguments else "set()")
    assert "dfc" in result.stdout or (tmp_path / "fig5.png").exists()
