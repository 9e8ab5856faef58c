"""``dfc data``: fetch VOC, check a devkit, draw the set of shapes."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from lightning_app.data.annotation import VOC_CLASSES
from lightning_app.data.check import CheckedPicture, Counts, check_pictures, count, find_sets, unlisted_classes
from lightning_app.data.download import DEVKIT, VOC, install
from lightning_app.data.drawing import draw_boxes
from lightning_app.data.names import read_names
from lightning_app.data.shapes import draw
from lightning_app.errors import DataError

WIDE = 160
"""Columns of a table that goes to a file or a pipe, which have no width."""


def run(arguments: list[str]) -> None:
    """Parse a command line and run it."""
    options = _parser().parse_args(arguments)
    if options.command == "download":
        download(options.root, options.years, options.mirror)
    elif options.command == "check":
        classes = VOC_CLASSES if options.classes is None else read_names(options.classes)
        check(options.root, classes, options.draw)
    else:
        make(options.root, options.train_pictures, options.test_pictures, options.seed, options.side)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="dfc data", description="Fetch, check and make pictures with boxes.")
    commands = parser.add_subparsers(dest="command", required=True)
    fetch = commands.add_parser("download", help="fetch VOC; a download that broke goes on where it stopped")
    fetch.add_argument(
        "what", choices=["voc"], help="VOC2007 with its test set, and VOC2012: 2.9 GB; 4.9 GB while unpacking"
    )
    fetch.add_argument("--root", type=Path, default=Path("data"), help="folder to put VOCdevkit in (%(default)s)")
    fetch.add_argument("--years", type=int, nargs="+", choices=sorted(VOC), default=sorted(VOC), help="(both)")
    fetch.add_argument("--mirror", metavar="URL", help="a folder that has the .tar files, where VOC's own host is down")
    checked = commands.add_parser("check", help="read every picture and annotation of a devkit")
    checked.add_argument("root", type=Path, help="the devkit: the folder that holds VOC2007")
    checked.add_argument(
        "--classes", type=Path, metavar="FILE", help="their names, one a line, or a .tree (VOC's twenty)"
    )
    checked.add_argument(
        "--draw", type=Path, metavar="FOLDER", help="also write up to 100 pictures with their boxes into this folder"
    )
    made = commands.add_parser("make", help="draw a small set of shapes, a devkit of five classes")
    made.add_argument("what", choices=["shapes"], help="shapes on clouds")
    made.add_argument("--root", type=Path, default=Path("data/shapes"), help="the devkit to make (%(default)s)")
    made.add_argument("--train-pictures", type=int, default=600, help="pictures to train on (%(default)s)")
    made.add_argument("--test-pictures", type=int, default=150, help="pictures to test on (%(default)s)")
    made.add_argument("--seed", type=int, default=0, help="of the drawing (%(default)s)")
    made.add_argument("--side", type=int, default=160, help="of a picture, in pixels (%(default)s)")
    return parser


def download(root: Path, years: Sequence[int], mirror: str | None = None) -> None:
    """Fetch the archives of some years that are not there yet, and unpack them into ``root/VOCdevkit``.

    Raises:
        DataError: one cannot be had or written.
    """
    console = Console()
    for archive in (archive for year in sorted(set(years)) for archive in VOC[year]):
        done = "unpacked" if install(archive, root, mirror) else "already there"
        console.print(f"{archive.sets[-1]}: {done} in {root / DEVKIT}", soft_wrap=True)


def check(root: Path, classes: tuple[str, ...] = VOC_CLASSES, drawings: Path | None = None) -> None:
    """Print what is in a devkit, and what is wrong with it.

    Args:
        root: the devkit.
        classes: names of the classes.
        drawings: folder for pictures with their boxes; None for none.

    Raises:
        DataError: it is no devkit, or something is wrong with it.
    """
    console, sets = Console(width=None if sys.stdout.isatty() else WIDE), find_sets(root)
    ids = sorted({name for names in sets.values() for name in names})
    checked = dict(track(check_pictures(root, ids, classes), "Reading", len(ids), console=console, transient=True))
    groups = {**sets, "all": ids}
    counts = {name: count((checked[i] for i in names), len(classes)) for name, names in groups.items()}
    console.print(counts_table(counts, classes, f"{root}: pictures of {_sizes(counts['all'])}"))
    if drawings is not None:
        drawn = draw_boxes(root, checked, classes, drawings)
        console.print(f"{drawn} pictures with their boxes in {drawings}", soft_wrap=True, markup=False)
    _report_problems(root, checked, classes, console)


OTHERS = (
    "write the names of your classes, one a line, into a file and give it as --classes; to train without the others, "
    "give --data.other_classes ignore to `dfc fit`"
)
"""What to do about classes that are not listed."""


def _report_problems(
    root: Path, checked: Mapping[str, CheckedPicture], classes: Sequence[str], console: Console
) -> None:
    problems = [problem for picture in checked.values() for problem in picture.problems]
    unlisted = unlisted_classes(checked, classes, OTHERS)
    problems += [] if unlisted is None else [unlisted]
    for problem in problems:
        console.print(problem, soft_wrap=True, markup=False, highlight=False)
    if problems:
        raise DataError(
            f"{root} has {len(problems)} problem(s), listed above: mend them, or take the pictures off its lists"
        )


def counts_table(counts: Mapping[str, Counts], classes: Sequence[str], title: str) -> Table:
    """A column a set; difficult objects are counted among the objects too."""
    table = Table(title=title, title_justify="left")
    table.add_column()
    for name in counts:
        table.add_column(name.replace("/", "\n"), justify="right", overflow="fold")
    columns = list(counts.values())
    table.add_row("pictures", *(f"{c.pictures:,}" for c in columns))
    if any(c.class_only for c in columns):
        table.add_row("without boxes", *(f"{c.class_only:,}" for c in columns))
    table.add_row("objects", *(f"{sum(c.objects):,}" for c in columns))
    table.add_row("difficult", *(f"{c.difficult:,}" for c in columns), end_section=True)
    for label, name in enumerate(classes):
        table.add_row(name, *(f"{c.objects[label]:,}" for c in columns))
    return table


def _sizes(counts: Counts) -> str:
    smallest, largest = ("×".join(map(str, size)) for size in (counts.smallest, counts.largest))
    return f"{smallest} to {largest} pixels"


def make(root: Path, train_pictures: int, test_pictures: int, seed: int, side: int) -> None:
    """Draw the set of shapes, unless it is there.

    Raises:
        DataError: something else is there.
    """
    folder = draw(root, train_pictures, test_pictures, seed, side)
    Console().print(f"{train_pictures} and {test_pictures} pictures in {folder}", soft_wrap=True)
