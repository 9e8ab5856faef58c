"""``dfc data check``: print what is in a devkit, and what is wrong with it."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from lightning_app.data.annotation import VOC_CLASSES
from lightning_app.data.check import CheckedPicture, Counts, check_pictures, count, find_sets, unlisted_classes
from lightning_app.data.drawing import draw_boxes
from lightning_app.data.set_overlap import remarks_on_sets
from lightning_app.errors import DataError

WIDE = 160
"""Columns of a table that goes to a file or a pipe, which have no width."""


def check(
    root: Path, classes: tuple[str, ...] = VOC_CLASSES, drawings: Path | None = None, faults_only: bool = False
) -> None:
    """Print what is in a devkit, and what is wrong with it.

    Args:
        root: the devkit.
        classes: names of the classes.
        drawings: folder for pictures with their boxes; None for none.
        faults_only: leave out what a run goes on after, such as boxes outside their picture.

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
    if faults_only:
        checked = {name: replace(picture, remarks=()) for name, picture in checked.items()}
    else:
        for remark in remarks_on_sets(sets):
            console.print(remark, soft_wrap=True, markup=False, highlight=False)
    _report_problems(root, checked, classes, console)


OTHERS = (
    "write the names of your classes into a file, one per line, and give it as --classes; to train without the others, "
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
