"""A table of the page: cells with what they show and, for numbers, all digits to sort by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from lightning_app.report.markdown import DASH
from lightning_app.report.web.document import scrolling
from lightning_app.report.web.markup import Markup, element


class Cell(NamedTuple):
    """What stands in a cell, and the number that it is sorted by; None for a text."""

    shown: str
    value: float | None = None

    def markup(self, number: bool) -> Markup:
        """The cell; a missing number is behind all others."""
        value = None if self.value is None else repr(self.value)
        return element("td", self.shown, data_value=value, class_="number" if number else None)


def percent(value: float | None) -> Cell:
    """A fraction in percent with two decimals."""
    return number(value, 100)


def number(value: float | None, scale: float = 1) -> Cell:
    """A number with two decimals."""
    return Cell(DASH) if value is None else Cell(f"{scale * value:.2f}", value)


def table(
    head: Sequence[str], rows: Sequence[Sequence[Cell]], caption: str, texts: int = 1, sortable: bool = False
) -> Markup:
    """A table that scrolls in its own frame.

    Args:
        head: names of the columns.
        rows: their cells.
        caption: what the table holds.
        texts: how many columns hold text and stand left; numbers stand right.
        sortable: a click on a column's head sorts by it.
    """
    heads = [
        element("th", name, scope="col", class_="number" if column >= texts else None)
        for column, name in enumerate(head)
    ]
    body = [element("tr", *(cell.markup(column >= texts) for column, cell in enumerate(cells))) for cells in rows]
    parts = (
        element("caption", caption),
        element("thead", element("tr", *heads)),
        element("tbody", *body),
    )
    return scrolling(element("table", *parts, class_="sortable" if sortable else None), caption)
