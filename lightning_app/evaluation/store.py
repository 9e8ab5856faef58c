"""What was coded and judged before, on disk: found again by a key of all that it depends on."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from lightning_app.errors import DataError

CODED, JUDGED = "coded", "judged"
"""Tables: the coded pictures and sets of features, and what was found in each."""
TABLE = "CREATE TABLE IF NOT EXISTS {} (key BLOB PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID"
PATIENCE = 60.0  # seconds to wait for another process that writes to the same file


class Store:
    """A folder of SQLite files, one that each rank writes to and that all read.

    What is put is there after any end of the process, whole or not at all. What has changed on disk since is not found:
    SQLite has no checksums, and a changed payload may decode into another picture without a word.

    Args:
        folder: of the files; made if it is not there.
        rank: whose file to write to.
    """

    def __init__(self, folder: Path, rank: int = 0) -> None:
        self.folder = folder
        own = folder / f"coded.{rank}.sqlite"
        with self._told():
            folder.mkdir(parents=True, exist_ok=True)
            others = sorted(path for path in folder.glob("coded.*.sqlite") if path != own)
            self.own = sqlite3.connect(own, timeout=PATIENCE)
            self.files = [self.own, *(sqlite3.connect(path, timeout=PATIENCE) for path in others)]
            for file in self.files:  # another's may be empty: its rank was killed before it made the table
                for table in (CODED, JUDGED):
                    file.execute(TABLE.format(table))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the files."""
        for file in self.files:
            file.close()

    def find(self, keys: Iterable[bytes], table: str = CODED) -> dict[bytes, bytes]:
        """What is there of ``keys``, by key."""
        found, query = {}, f"SELECT data FROM {table} WHERE key = ?"  # noqa: S608 (a table of ours)
        with self._told():
            for key in keys:
                for file in self.files:
                    row = file.execute(query, (key,)).fetchone()
                    data = _unsealed(row)
                    if data is not None:
                        found[key] = data
                        break
        return found

    def put(self, items: Mapping[bytes, bytes], table: str = CODED) -> None:
        """Keep data by key; all of it or, if the process ends here, nothing."""
        with self._told(), self.own:
            sealed = ((key, data + _checksum(data)) for key, data in items.items())
            self.own.executemany(f"INSERT OR REPLACE INTO {table} VALUES (?, ?)", sealed)  # noqa: S608

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Errors as a sentence."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise DataError(
                f"coded pictures cannot be kept in {self.folder}: {error}; make room or remove the folder"
            ) from error


def _checksum(data: bytes) -> bytes:
    return zlib.crc32(data).to_bytes(4, "little")


def _unsealed(row: tuple[object] | None) -> bytes | None:
    """The data of a row, or None where there is none or it is not what was put."""
    if row is None or not isinstance(row[0], bytes):  # a column of SQLite's has values of any type
        return None
    data, checksum = row[0][:-4], row[0][-4:]
    return data if checksum == _checksum(data) else None
