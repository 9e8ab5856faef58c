"""What was coded stays, whole, after any end of the process."""

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from lightning_app.errors import DataError
from lightning_app.evaluation.store import Store

ROOT = Path(__file__).parents[2]


def test_what_one_rank_kept_every_later_store_finds(tmp_path: Path) -> None:
    with Store(tmp_path / "deep/cache", 0) as zero:
        zero.put({b"a": b"1", b"b": bytes(100_000)})
    with Store(tmp_path / "deep/cache", 1) as one:
        assert one.find([b"a", b"b", b"c"]) == {b"a": b"1", b"b": bytes(100_000)}
        one.put({b"c": b"3"})
    with Store(tmp_path / "deep/cache", 0) as zero:
        assert zero.find([b"c"]) == {b"c": b"3"}


def test_what_changed_on_disk_is_not_found_and_can_be_put_again(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.put({b"a": b"one" * 50, b"b": b"two" * 50, b"c": b"three" * 50})
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"two" * 50, b"two" * 20 + b"twO" + b"two" * 29))
    with sqlite3.connect(path) as file:
        file.execute("UPDATE coded SET data = 7 WHERE key = ?", (b"c",))
    file.close()
    with Store(tmp_path) as store:
        assert store.find([b"a", b"b", b"c"]) == {b"a": b"one" * 50}
        store.put({b"b": b"two" * 50})
        assert store.find([b"b"]) == {b"b": b"two" * 50}


WRITER = """
import sys, itertools
from pathlib import Path
from lightning_app.evaluation.store import Store
store = Store(Path(sys.argv[1]))
for i in itertools.count():
    store.put({b"%d %d" % (i, j): bytes([j]) * 20_000 for j in range(16)})
    print(i, flush=True)
"""


def test_a_killed_writer_leaves_whole_batches(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as writer:
        assert writer.stdout is not None
        lines = [writer.stdout.readline() for _ in range(5)]
        writer.send_signal(signal.SIGKILL)
        told = int((lines + writer.stdout.readlines())[-1])
    with Store(tmp_path) as store:
        batches = [store.find([b"%d %d" % (i, j) for j in range(16)]) for i in range(told + 2)]
        assert [len(batch) for batch in batches[: told + 1]] == [16] * (told + 1)
        assert len(batches[-1]) in (0, 16)
        assert all(data == bytes([int(key.split()[1])]) * 20_000 for batch in batches for key, data in batch.items())


def test_a_folder_that_cannot_be_written_and_a_damaged_file_are_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"coded pictures cannot be kept in .*file: .*; make room or remove the folder"):
        Store(tmp_path / "file")
    with Store(tmp_path / "cache") as store:
        store.put({b"a": b"1"})
    (path,) = (tmp_path / "cache").iterdir()
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(DataError, match="file is not a database"):
        Store(tmp_path / "cache")


def test_a_file_of_a_rank_that_was_killed_before_it_wrote_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "coded.1.sqlite").touch()
    with Store(tmp_path) as store:
        assert store.find([b"a"]) == {}


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.own.execute("PRAGMA max_page_count = 10")  # as small as a full disk
        with pytest.raises(DataError, match="database or disk is full; make room"):
            store.put({b"a": bytes(1_000_000)})
        assert store.find([b"a"]) == {}
    assert sqlite3.connect(tmp_path / "coded.0.sqlite").execute("PRAGMA integrity_check").fetchone() == ("ok",)
