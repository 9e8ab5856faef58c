"""Disks that are full, folders that cannot be written, checkpoints cut in half: a sentence, and what was good stays."""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lightning_app.files import written_whole
from lightning_app.records.points import Point, read_points
from lightning_app.records.rows import write_rows

ROOT = Path(__file__).parents[2]
PLAIN = Path("checkpoints/demo/plain/last.ckpt")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", folder], capture_output=True, check=False)
    if mount.returncode:
        pytest.skip("this user may not mount a disk")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_leaves_the_file_that_was_there_and_names_it(small_disk: Path) -> None:
    file = small_disk / "deep/last.ckpt"
    with written_whole(file) as writer:
        writer.write(b"good")
    with pytest.raises(OSError, match="No space left on device") as caught, written_whole(file) as writer:
        writer.write(bytes(2**21))
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(file))
    assert [path.name for path in file.parent.iterdir()] == ["last.ckpt"]
    assert file.read_bytes() == b"good"


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with written_whole(pipe) as writer:
        writer.write(b"good")
    assert os.read(reader, 10) == b"good"
    os.close(reader)
    assert pipe.is_fifo()


def test_a_table_that_does_not_fit_leaves_the_one_that_was_there(small_disk: Path) -> None:
    empty: dict[str, Any] = dict.fromkeys(
        ["network", "weights", "split", "layout", "codec", "depth", "qp", "commit"], ""
    )
    point = Point(system="cloud-only", **empty, images=1, kbpi=1.0, kbpi_std=0.0, map=0.5, map_area=0.5, seed=0)
    write_rows(small_disk / "points.csv", Point, [point])
    with pytest.raises(OSError, match="No space left on device"):
        write_rows(small_disk / "points.csv", Point, [point] * 40_000)
    assert read_points(small_disk / "points.csv") == [point]


WRITER = """
import os, signal, sys
from pathlib import Path
from lightning_app.files import written_whole
with written_whole(Path(sys.argv[1])) as file:
    file.write(bytes(2**20))
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_kill_in_the_middle_of_writing_leaves_the_file_that_was_there(tmp_path: Path) -> None:
    file = tmp_path / "last.ckpt"
    file.write_bytes(b"good")
    run = subprocess.run([sys.executable, "-c", WRITER, file], env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False)
    assert run.returncode == -signal.SIGKILL
    assert file.read_bytes() == b"good"
    with written_whole(file) as writer:
        writer.write(b"better")
    assert [path.name for path in tmp_path.iterdir()] == ["last.ckpt"]
    assert file.read_bytes() == b"better"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*does not have many workers")
def test_a_training_on_a_full_disk_keeps_its_last_checkpoint(
    dfc: Callable[..., Any], tiny: tuple[str, ...], one_epoch: str
) -> None:
    before = PLAIN.read_bytes()
    # Files of at most 200 kilobytes: the pictures and tables fit, the checkpoint does not.
    limited = f'ulimit -f 200; exec {sys.executable} -m lightning_app fit "$@"'
    command = ["bash", "-c", limited, "bash", *tiny, "--ckpt_path", "last"]
    run = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert run.returncode == 2, run.stderr
    last = run.stderr.strip().splitlines()[-1]
    assert last == (f"dfc: {PLAIN.absolute()}: File too large; make room, or give a folder that can be written to"), (
        run.stderr
    )
    assert "Traceback" not in run.stderr
    assert PLAIN.read_bytes() == before
    assert list(PLAIN.parent.iterdir()) == [PLAIN]

    PLAIN.write_bytes(before[: len(before) // 2])
    half = dfc("fit", *tiny, "--ckpt_path", "last")
    assert half.status == 2
    sentence = "last.ckpt is cut short or damaged, or no checkpoint of this program"
    assert half.err.strip().splitlines()[-1].endswith(sentence)

    Path("blocked").touch()  # a folder under a file cannot be made, by nobody
    for option in ("--trainer.callbacks.dirpath", "--trainer.logger.save_dir"):
        blocked = dfc("fit", *tiny, option, "blocked/folder")
        assert blocked.status == 2, blocked.err
        assert blocked.err.strip().splitlines()[-1].startswith("dfc: ")
        assert "blocked" in blocked.err.strip().splitlines()[-1]
        assert "step" not in blocked.out
