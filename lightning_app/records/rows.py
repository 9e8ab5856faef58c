"""Dataclasses as rows of CSV files; an absent value is an empty cell."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, fields
from io import StringIO
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from lightning_app.errors import DataError
from lightning_app.files import written_whole

Row = TypeVar("Row")


def write_rows(path: Path, kind: type[Any], rows: Iterable[Any]) -> None:
    """Write rows under the names of their fields, and make the folders above the file.

    Args:
        path: of the CSV file.
        kind: the dataclass of the rows, whose fields are the columns.
        rows: its instances.
    """
    columns = [field.name for field in fields(kind)]
    text = StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([getattr(row, column) for column in columns] for row in rows)
    with written_whole(path) as file:
        file.write(text.getvalue().encode())


def read_rows(path: Path, kind: type[Row], what: str, old_names: Mapping[str, str] | None = None) -> list[Row]:
    """Read what `write_rows` wrote; a column may be absent if its field has a default.

    Args:
        path: of the CSV file.
        kind: the dataclass of the rows.
        what: the file should be, for the message.
        old_names: of columns that were called otherwise before, and their new names; a line tells which was found.

    Raises:
        DataError: the file cannot be read, lacks a column, or has a cell of another type.
    """
    readers = {name: READERS[type_] for name, type_ in get_type_hints(kind).items()}
    needed = {field.name for field in fields(kind) if field.default is MISSING}  # type: ignore[arg-type]
    try:
        with path.open(newline="", encoding="utf-8") as file:
            table = csv.DictReader(file)
            table.fieldnames = [_new_name(path, name, old_names or {}) for name in table.fieldnames or ()]
            lacking = needed.difference(table.fieldnames)
            if lacking:
                raise ValueError(f"it has no column {min(lacking)}")
            return [kind(**{name: read(row[name]) for name, read in readers.items() if name in row}) for row in table]
    except (OSError, ValueError) as error:
        raise DataError(f"{path} is no {what}: {error}") from error


def _new_name(path: Path, column: str, old_names: Mapping[str, str]) -> str:
    if column in old_names:
        print(f"{path}: the column {column} is now called {old_names[column]}", file=sys.stderr)  # noqa: T201
    return old_names.get(column, column)


def _text(cell: str | None) -> str:
    if cell is None:
        raise ValueError("a row is cut off")
    return cell


def _optional(cell: str | None) -> float | None:
    return float(cell) if _text(cell) else None  # type: ignore[arg-type]


READERS: dict[Any, Callable[[Any], Any]] = {
    str: _text,
    int: lambda cell: int(_text(cell)),
    float: lambda cell: float(_text(cell)),
    float | None: _optional,
}
"""How a cell becomes a value of a field's type."""
