"""``report.html`` of a report's folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from lightning_app.files import written_whole
from lightning_app.records.comparisons import Comparison
from lightning_app.records.examples import Examples
from lightning_app.records.points import Point
from lightning_app.records.truth import explained
from lightning_app.report.series import Systems, told_levels, truth_of, without_transforms
from lightning_app.report.web.comparisons import comparisons as comparisons_part
from lightning_app.report.web.differences import differences
from lightning_app.report.web.document import document, paragraphs
from lightning_app.report.web.figures import figures
from lightning_app.report.web.markup import Markup, element, joined
from lightning_app.report.web.pictures import pictures
from lightning_app.report.web.points import points
from lightning_app.report.web.tiles import tiles

PAGE = "report.html"
ROOM = 1_700_000
"""Bytes of JPEGs that a page has room for: of three megabytes, less the figures, and a third more as text."""


def write_web_page(
    systems: Systems,
    folder: Path,
    comparisons: Sequence[Comparison] = (),
    examples: Mapping[str, Examples] | None = None,
) -> Path:
    """Write ``report.html`` beside the figures that it shows.

    Args:
        systems: as given to `write_report`, which has written the figures.
        folder: where it wrote.
        comparisons: of ways of training, whose figure is there too.
        examples: pictures of each set of weights by its name, where there are any.

    Returns:
        The file. The same systems give the same bytes.
    """
    with written_whole(folder / PAGE) as file:
        file.write(web_page(systems, folder, comparisons, examples or {}).encode())
    return folder / PAGE


def web_page(
    systems: Systems, folder: Path, comparisons: Sequence[Comparison], examples: Mapping[str, Examples]
) -> str:
    """The page as text."""
    names = ["fig5", "fig4", *(["penalty"] if comparisons else [])]
    shown, left_out = _with_room(examples)
    sentence = f"There is no room for the pictures of {' and '.join(left_out)}: make a report of them on their own."
    sections = {
        "Figures": figures(folder, names),
        "Differences": differences(without_transforms(systems)),
        "Points": points(systems),
        "Pictures": _below(pictures(shown), sentence if left_out else ""),
        "Features": tiles(shown),
        "Comparisons": comparisons_part(comparisons),
    }
    return document("Accuracy against bits", _summary(systems), sections)


def _with_room(examples: Mapping[str, Examples]) -> tuple[dict[str, Examples], list[str]]:
    """The examples of as many sets of weights as the page has room for, and the names of the others."""
    shown: dict[str, Examples] = {}
    for name, one in examples.items():
        if not shown or sum(other.size for other in shown.values()) + one.size <= ROOM:
            shown[name] = one
    return shown, [name for name in examples if name not in shown]


def _below(part: Markup | None, sentence: str) -> Markup | None:
    return None if part is None else joined([part, paragraphs(sentence)])


def _summary(systems: Systems) -> Markup:
    """What was measured, a line a set of weights."""
    terms = [
        joined([element("dt", name), element("dd", _measured(some))]) for name, (some, _) in systems.items() if some
    ]
    return joined([element("dl", *terms), paragraphs(explained(truth_of(systems)))])


def _measured(some: Sequence[Point]) -> str:
    """Network, weights, pictures, seed, levels of recall that are not the default, and commit."""
    parts = [
        _listed([point.network for point in some]),
        _listed([point.weights for point in some]),
        f"{_listed([str(point.images) for point in some])} pictures",
        f"seed {_listed([str(point.seed) for point in some])}",
        _listed([told_levels(point.recall_levels) for point in some]),
        _listed([f"commit {point.commit}" for point in some if point.commit]),
    ]
    return ", ".join(part for part in parts if part)


def _listed(values: Sequence[str]) -> str:
    return " and ".join(dict.fromkeys(value for value in values if value))
