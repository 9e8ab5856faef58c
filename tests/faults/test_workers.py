"""Codec workers that are killed, hang or are left behind: results stay what they are, and nothing stays behind."""

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from lightning_app.codecs import HEVC, QP, CodecPool, Picture, WorkerPool, code
from lightning_app.errors import CodecError

ROOT = Path(__file__).parents[2]
WaitUntilDead = Callable[[set[int], float], set[int]]
Descendants = Callable[[int], set[int]]


def pictures(count: int, side: int = 64) -> list[Picture]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (side, side + 8 * (i % 3))).astype(np.uint8) for i in range(count)]


def worker_ids() -> set[int]:
    return {child.pid for child in multiprocessing.active_children() if child.pid}


CTRL_C_AT_THE_START = """
import os, signal, time
from lightning_app.codecs import WorkerPool

if __name__ == "__main__":
    signal.signal(signal.SIGINT, lambda *_: None)
    for delay in (0, 0.05, 0.1, 0.15, 0.2, 0.3):
        with WorkerPool(2) as pool:
            results = pool.stream([(abs, -number) for number in range(4)])
            time.sleep(delay)
            os.killpg(0, signal.SIGINT)
            print(*results)
"""


def test_ctrl_c_while_workers_start_is_left_to_the_parent(tmp_path: Path) -> None:
    (tmp_path / "start.py").write_text(CTRL_C_AT_THE_START)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "start.py"]
    run = subprocess.run(
        command, cwd=tmp_path, env=environment, text=True, capture_output=True, check=False, start_new_session=True
    )
    assert (run.stdout, run.stderr) == (6 * "0 1 2 3\n", "")


@pytest.mark.parametrize("kills", [8, pytest.param(100, marks=pytest.mark.soak)])
def test_workers_killed_at_random_change_no_result(kills: int) -> None:
    work, rng = pictures(12, side=128), random.Random(kills)
    expected = [HEVC().encode(picture, 27) for picture in work]
    result = threading.Event()

    def kill_now_and_then() -> None:
        for _ in range(kills):
            result.clear()
            result.wait(60)  # three kills without a picture between them would end in an error, rightly
            time.sleep(rng.uniform(0, 0.5))
            while not (workers := worker_ids()):
                time.sleep(0.01)
            os.kill(rng.choice(sorted(workers)), signal.SIGKILL)

    killer = threading.Thread(target=kill_now_and_then)
    with CodecPool(HEVC(), 2) as pool:
        killer.start()
        while killer.is_alive():
            found = []
            for one in pool.stream([(code, pool.codec, picture, 27) for picture in work]):
                found.append(one.data)
                result.set()
            assert found == expected


def test_a_worker_that_hangs_is_replaced_and_its_picture_coded_again(
    faulty: ModuleType, wait_until_dead: WaitUntilDead
) -> None:
    work = pictures(24, side=256)
    with CodecPool(faulty.Impatient(), 2) as pool:
        pool.code(work[:2], [27] * 2)
        victims = worker_ids()
        timer = threading.Timer(0.1, os.kill, (max(victims), signal.SIGSTOP))
        timer.start()
        coded = pool.code(work, [27] * len(work))
        assert not timer.is_alive(), "the run ended before the stop"
        assert wait_until_dead(victims, 1) == set()
    assert [one.data for one in coded] == [HEVC().encode(picture, 27) for picture in work]


def test_a_picture_at_which_workers_always_hang_is_named(faulty: ModuleType) -> None:
    sentence = r"died or hung 3 times without finishing a picture, .* at code\(HEVC, a picture of 64×72, 37\): "
    qps: list[QP] = [37 if i == 1 else 22 for i in range(6)]
    with CodecPool(faulty.Hanging(), 2) as pool:
        with pytest.raises(CodecError, match=sentence):
            pool.code(pictures(6), qps)
        assert len(pool.code(pictures(2), [22, 22])) == 2


def test_a_worker_killed_while_it_sends_a_result_is_replaced(faulty: ModuleType, tmp_path: Path) -> None:
    with WorkerPool(2) as pool:
        (result,) = pool.run(faulty.die_while_sending, [(tmp_path / "mark",)])
    assert len(result) == 2**26


def test_a_worker_killed_after_a_stream_was_left_changes_no_other_stream() -> None:
    with WorkerPool(2) as pool:
        left = pool.stream([(int,), *[(time.sleep, 0.3)] * 40])
        other = pool.stream([(abs, -number) for number in range(4)])
        assert next(left) == 0
        del left
        os.kill(min(worker_ids()), signal.SIGKILL)
        results: list[int] = []
        taking = threading.Thread(target=lambda: results.extend(other), daemon=True)
        taking.start()
        taking.join(30)
        assert results == [0, 1, 2, 3]


def test_a_pool_with_a_hung_worker_still_closes(wait_until_dead: WaitUntilDead) -> None:
    before = worker_ids()
    pool = CodecPool(HEVC(), 2)
    pool.code(pictures(4), [27] * 4)
    workers = worker_ids() - before
    os.kill(min(workers), signal.SIGSTOP)
    begun = time.monotonic()
    pool.close()
    assert time.monotonic() - begun < 5
    assert wait_until_dead(workers, 0) == set()


def test_workers_never_outnumber_the_cores() -> None:
    script = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        "import multiprocessing, numpy\n"
        "from lightning_app.codecs import HEVC, CodecPool\n"
        "if __name__ == '__main__':\n"
        "    with CodecPool(HEVC()) as pool:\n"
        "        pool.code([numpy.zeros((64, 64), numpy.uint8)] * 9, [27] * 9)\n"
        "        print(len(multiprocessing.active_children()))\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True)
    assert run.stdout == "1\n"


PARENT = """
import numpy
from pathlib import Path
from lightning_app.codecs import HM, CodecPool

if __name__ == "__main__":
    CodecPool(HM({encoder!r}, {encoder!r}), 2).code([numpy.zeros((16, 16), numpy.uint8)] * 2, [27] * 2)
"""


@contextmanager
def hm_at_work(folder: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A process whose two workers each run an HM that never ends, and its folder of temporary files."""
    encoder, temporary = folder / "TAppEncoder", folder / "temporary"
    encoder.write_text("#!/bin/sh\nexec sleep 600\n")
    encoder.chmod(0o755)
    temporary.mkdir()
    (folder / "parent.py").write_text(PARENT.format(encoder=str(encoder)))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(temporary)}
    with subprocess.Popen([sys.executable, folder / "parent.py"], text=True, env=environment) as parent:
        try:
            wait_for(lambda: len(list(temporary.glob("*/picture.yuv"))) == 2)
            time.sleep(0.3)  # the programs start
            yield parent, temporary
        finally:
            parent.kill()


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_killed_parent_leaves_no_worker_no_program_and_no_temporary_file(
    tmp_path: Path, descendants: Descendants, wait_until_dead: WaitUntilDead
) -> None:
    with hm_at_work(tmp_path) as (parent, temporary):
        family = descendants(parent.pid)
        assert len(family) >= 4  # two workers, two programs
    assert wait_until_dead(family, 2) == set()
    assert list(temporary.iterdir()) == []


def test_a_killed_worker_leaves_no_program_and_no_temporary_file(
    tmp_path: Path, descendants: Descendants, wait_until_dead: WaitUntilDead
) -> None:
    with hm_at_work(tmp_path) as (_, temporary):
        folders = set(temporary.iterdir())
        worker = int(min(folders).name.split("-")[1])
        programs = descendants(worker)
        assert len(programs) == 1
        os.kill(worker, signal.SIGKILL)
        assert wait_until_dead(programs, 5) == set()
        wait_for(lambda: bool(set(temporary.glob("dfc-*")) - folders))  # another worker is at the picture
        assert not folders & set(temporary.iterdir())
