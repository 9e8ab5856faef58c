"""Ways of training compared on the same pictures: what ``comparisons.md`` says, folded by pairs."""

from __future__ import annotations

from collections.abc import Sequence

from lightning_app.records.comparisons import Comparison
from lightning_app.report.comparisons_page import EXPLANATION, HEAD, cells
from lightning_app.report.web.document import paragraphs
from lightning_app.report.web.markup import Markup, element, joined
from lightning_app.report.web.tables import Cell, table


def comparisons(rows: Sequence[Comparison]) -> Markup | None:
    """A table a pair of ways; None where nothing was compared."""
    if not rows:
        return None
    pairs = dict.fromkeys((row.ours, row.theirs) for row in rows)
    return joined([paragraphs(EXPLANATION), *(_pair([row for row in rows if _names(row) == pair]) for pair in pairs)])


def _pair(rows: Sequence[Comparison]) -> Markup:
    """Folded: a browser opens it without a script."""
    title = f"{rows[0].ours}, less {rows[0].theirs}"
    words = element("summary", title, element("small", f" {rows[0].runs} runs each, {len(rows)} rows"))
    lines = [[Cell(row.curve), *map(Cell, cells(row))] for row in rows]
    return element("details", words, table(["Curve", *HEAD], lines, title, 2))


def _names(row: Comparison) -> tuple[str, str]:
    return row.ours, row.theirs
