"""Numbers and tables as Markdown: a true minus sign, two decimals."""

from __future__ import annotations

from collections.abc import Sequence

DASH = "–"
"""In place of a number that is not there."""


def signed(value: float) -> str:
    """``-6.094`` -> ``−6.09``."""
    return f"{round(value, 2) + 0.0:+.2f}".replace("-", "−")


def span(low: str, high: str) -> str:
    """An interval."""
    return f"{low} to {high}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], texts: int = 1) -> list[str]:
    """The lines of a table.

    Args:
        head: names of the columns.
        rows: their cells.
        texts: how many columns hold text and stand left; numbers stand right.
    """
    rule = ["---" if i < texts else "---:" for i in range(len(head))]
    return [_row(head), _row(rule), *map(_row, rows)]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
