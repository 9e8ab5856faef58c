"""Everything that a report holds, written into one folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite
from pathlib import Path

from lightning_app.errors import OptionError
from lightning_app.files import written_whole
from lightning_app.records.comparisons import Comparison
from lightning_app.report.comparisons_page import comparisons_page
from lightning_app.report.load_matplotlib import load_matplotlib
from lightning_app.report.points_page import points_page
from lightning_app.report.series import Systems, truth_of, without_transforms
from lightning_app.report.table1 import table1_page

MOST = 4
"""Sets of weights that lines and fills tell apart."""


def write_report(systems: Systems, folder: Path) -> list[Path]:
    """Write ``fig4`` and ``fig5`` as PNG and SVG, ``table1.md`` and ``points.md``, each if it has something to show.

    Args:
        systems: points and differences of each set of weights by its name; the first is the default one.
        folder: where to write; it is made.

    Returns:
        The files that were written. The same systems give the same bytes; a figure or page that has nothing to show is
        removed, if an earlier report left it.

    Raises:
        OptionError: there are too many sets of weights, or the folder cannot be written.
        DataError: they were measured against different truths.
    """
    if len(systems) > MOST:
        raise OptionError(f"a report tells at most {MOST} sets of weights apart, not {len(systems)}: make two reports")
    truth_of(systems)  # one, or it is refused before anything is written
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return [*_write_figures(systems, folder), *_write_pages(systems, folder)]
    except OSError as error:
        raise OptionError(f"{folder} must be a folder that can be written: {error}") from error


def write_comparisons_report(comparisons: Sequence[Comparison], folder: Path) -> list[Path]:
    """Write ``penalty`` as PNG and SVG, if anything was coded with loss, and ``comparisons.md``.

    Args:
        comparisons: of ways of training.
        folder: where to write; it is there.

    Returns:
        The files that were written.
    """
    load_matplotlib()
    from lightning_app.report.canvas import journal_style, save
    from lightning_app.report.penalty import penalty_figure

    page = folder / "comparisons.md"
    with written_whole(page) as file:
        file.write(comparisons_page(comparisons).encode())
    with journal_style():
        figure = penalty_figure(comparisons)
        return [page, *(save(figure, folder / "penalty") if figure is not None else [])]


def _write_figures(systems: Systems, folder: Path) -> list[Path]:
    load_matplotlib()  # which takes longer than all the rest
    from lightning_app.report.canvas import journal_style, save
    from lightning_app.report.figure4 import lossless_figure
    from lightning_app.report.figure5 import lossy_figure

    written = []
    # Without an object in the pictures mAP is no number.
    shown = {
        name: ([p for p in points if isfinite(p.map)], others)
        for name, (points, others) in without_transforms(systems).items()
    }
    with journal_style():
        for name, figure in (("fig4", lossless_figure(shown)), ("fig5", lossy_figure(shown))):
            if figure is not None:
                written += save(figure, folder / name)
            else:
                _remove(folder, f"{name}.png", f"{name}.svg")
    return written


def _write_pages(systems: Systems, folder: Path) -> Iterator[Path]:
    for name, page in (("table1.md", table1_page(without_transforms(systems))), ("points.md", points_page(systems))):
        if page is not None:
            with written_whole(folder / name) as file:
                file.write(page.encode())
            yield folder / name
        else:
            _remove(folder, name)


def _remove(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).unlink(missing_ok=True)
