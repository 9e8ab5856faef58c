"""``dfc report``: from the CSV files of evaluations to Fig. 4, Fig. 5 and Table 1."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from rich.console import Console

from lightning_app.command_parser import CommandParser
from lightning_app.errors import OptionError
from lightning_app.records.comparisons import read_comparisons
from lightning_app.records.differences import Difference, read_differences
from lightning_app.records.examples import EXAMPLES, read_examples
from lightning_app.records.points import Point, read_points
from lightning_app.records.truth import check_one_truth
from lightning_app.report.points_page import names_in
from lightning_app.report.series import truth_of
from lightning_app.report.tables import comparison_table
from lightning_app.report.web.write import write_web_page
from lightning_app.report.write import write_comparisons_report, write_report

DESCRIPTION = """\
Draw Fig. 4 (lossless) and Fig. 5 (lossy) of the paper as PNG and SVG, and write Table 1 and all operating points as
Markdown, beside the values that the paper prints. All of it, and the pictures that `dfc evaluate` kept, is in
report.html, too, which a browser shows without a network. Each argument is one set of weights: the first, the default
one, is drawn solid, the second, retrained, dashed."""


def run(arguments: list[str]) -> None:
    """Parse a command line and run it."""
    options = make_parser().parse_args(arguments)
    folders = _folders(options.systems)
    systems = {name: _read(path) for name, path in folders.items()}
    found = {name: path / EXAMPLES for name, path in folders.items()}
    examples = {name: read_examples(path) for name, path in found.items() if path.is_file()}
    comparisons = [] if options.comparisons is None else read_comparisons(options.comparisons)
    check_one_truth([truth_of(systems), *(row.truth for row in comparisons)])
    _check_folder(options.output, systems)
    console = Console()
    console.print(comparison_table({name: points for name, (points, _) in systems.items()}))
    paths = write_report(systems, options.output)
    if options.comparisons is not None:
        paths += write_comparisons_report(comparisons, options.output)
    paths.append(write_web_page(systems, options.output, comparisons, examples))
    for path in paths:
        console.print(f"Written to {path}", soft_wrap=True, markup=False)


def make_parser() -> CommandParser:
    """The options of ``dfc report``."""
    parser = CommandParser("dfc report", DESCRIPTION)
    parser.add_argument(
        "systems",
        nargs="+",
        metavar="NAME=FOLDER",
        help="name of a set of weights, and the folder that `dfc evaluate` wrote (points.csv, bd.csv and "
        "examples.json), or a points.csv of `dfc test`; without NAME= the path is the name; in a config the key "
        "systems, with a list or with the folder of each NAME",
    )
    parser.add_argument("-o", "--output", type=Path, default=Path("report"), help="folder to write figures and tables")
    parser.add_argument(
        "--comparisons", type=Path, help="file comparisons.csv of ways of training, for one more figure"
    )
    return parser


def _check_folder(folder: Path, systems: Iterable[str]) -> None:
    """Refuse a folder that holds a report on other weights."""
    page = folder / "points.md"
    if not page.is_file():
        return
    theirs = names_in(page.read_text("utf-8"))
    if theirs != list(systems):
        raise OptionError(
            f"{folder} holds a report on {', '.join(theirs)}, and this one is on {', '.join(systems)}. It is not "
            "replaced: give another folder with --output, or move it away"
        )


def _folders(arguments: list[str]) -> dict[str, Path]:
    """The folder, or the file of points, of each set of weights by its name."""
    folders: dict[str, Path] = {}
    for text in arguments:
        name, _, path = (text, "", text) if Path(text).exists() else text.partition("=")
        if name in folders:
            raise OptionError(f"two folders have the name {name!r}; give each a NAME of its own, as NAME=FOLDER")
        folders[name] = Path(path or text)
    return folders


def _read(path: Path) -> tuple[list[Point], list[Difference]]:
    """What an evaluation's folder, or a file of points, holds."""
    if not path.is_dir():
        return read_points(path), []
    differences = path / "bd.csv"
    return read_points(path / "points.csv"), read_differences(differences) if differences.exists() else []
