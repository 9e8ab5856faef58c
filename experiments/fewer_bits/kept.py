"""CSVs of rows that were measured once: what stands in them stays as it is, to the byte."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from io import StringIO
from pathlib import Path
from typing import Any

from lightning_app.files import written_whole

Key = tuple[str, str]
"""A row's split and its name."""
Cells = dict[str, str]


class Kept:
    """One CSV file, as cells.

    Args:
        path: of the file, which need not exist.
        kind: the dataclass of its lines. A file of an earlier version may lack columns that have a default.
        name: column that names the row to which a line belongs.
    """

    def __init__(self, path: Path, kind: type[Any], name: str) -> None:
        self.path, self.kind = path, kind
        self.key: Callable[[Cells], Key] = lambda line: (line["split"], line[name])
        self.columns: Sequence[str] = [field.name for field in fields(kind)]
        self.lines: list[Cells] = []
        if path.exists():
            with path.open(newline="", encoding="utf-8") as file:
                reader = csv.DictReader(file)
                self.lines, self.columns = list(reader), reader.fieldnames or self.columns

    def __contains__(self, key: Key) -> bool:
        return any(self.key(line) == key for line in self.lines)

    def add(self, records: Iterable[Any], order: Sequence[Key]) -> None:
        """Put the lines of a new row where it belongs in the order of all rows; a row that is not in it goes."""
        new = [self._cells(record) for record in records]
        wanted = {key: place for place, key in enumerate(order)}
        old = [line for line in self.lines if self.key(line) not in map(self.key, new)]
        planned = [line for line in old + new if self.key(line) in wanted]
        self.lines = sorted(planned, key=lambda line: wanted[self.key(line)])
        text = StringIO(newline="")
        writer = csv.DictWriter(text, self.columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.lines)
        with written_whole(self.path) as file:
            file.write(text.getvalue().encode())

    def _cells(self, record: Any) -> Cells:
        """A record in the columns of the file; what these lack must say nothing but its default."""
        values = {field.name: (getattr(record, field.name), field.default) for field in fields(self.kind)}
        lost = [name for name, (value, default) in values.items() if name not in self.columns and value != default]
        if lost:
            raise ValueError(
                f"{self.path} has no column {lost[0]}: add it, with the default in the lines that stand there"
            )
        return {name: "" if values[name][0] is None else str(values[name][0]) for name in self.columns}
