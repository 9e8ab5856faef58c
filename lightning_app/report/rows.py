"""Dataclasses as rows of CSV files; an absent value is an empty cell."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any


def write_rows(path: Path, kind: type[Any], rows: Iterable[Any]) -> None:
    """Write rows under the names of their fields, and make the folders above the file.

    Args:
        path: of the CSV file.
        kind: the dataclass of the rows, whose fields are the columns.
        rows: its instances.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = [field.name for field in fields(kind)]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows([getattr(row, column) for column in columns] for row in rows)


def optional_float(text: str) -> float | None:
    """A number, or None for an empty cell."""
    return float(text) if text else None
