"""The processes of a pool: when they start, what they import, and that none stays behind."""

import contextlib
import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

from lightning_app.codecs import HEVC, CodecPool
from tests.codecs.pools import payloads, pictures, qps, wait_until_dead, worker_ids

ROOT = Path(__file__).parents[2]


def test_a_closed_pool_has_no_workers_and_opens_again() -> None:
    before = worker_ids()
    pool = CodecPool(HEVC(), 1)
    pool.close()
    first = payloads(pool.code(pictures(2), qps(2)))
    started = worker_ids() - before
    assert len(started) == 1
    pool.close()
    pool.close()
    assert wait_until_dead(started, 1) == set()
    with pool:
        assert payloads(pool.code(pictures(2), qps(2))) == first


def test_all_processes_start_when_they_are_told_to_and_code_then() -> None:
    before = worker_ids()
    with CodecPool(HEVC(), 2) as pool:
        assert worker_ids() == before
        pool.start()
        started = worker_ids() - before
        assert len(started) == 2
        assert len(pool.code(pictures(3), qps(3))) == 3
        assert worker_ids() - before == started


def test_an_exception_in_the_block_ends_the_workers() -> None:
    before = worker_ids()
    with contextlib.suppress(KeyboardInterrupt), CodecPool(HEVC(), 1) as pool:
        pool.code(pictures(1), [None])
        started = worker_ids() - before
        raise KeyboardInterrupt
    assert len(started) == 1
    assert wait_until_dead(started, 1) == set()


def test_a_worker_loads_neither_torch_nor_lightning(doubles: ModuleType) -> None:
    with CodecPool(doubles.Introspective(), 1) as pool:
        modules = set(pool.code(pictures(1), [None])[0].data.decode().split("\n"))
    assert {"numpy", "av", "lightning_app.codecs.hevc"} <= modules
    heavy = {"torch", "pytorch_lightning", "lightning", "wandb", "matplotlib", "cv2", "PIL", "scipy", "pandas"}
    assert modules & heavy == set()
    # The doubles import the codecs and what these need, as a worker does; the rest of the application stays out.
    ours = {name for name in modules if name.startswith("lightning_app.")}
    assert {name for name in ours if not name.startswith("lightning_app.codecs")} == {
        "lightning_app.errors",
        "lightning_app.pending",
    }


def test_a_pool_in_a_daemonic_process_is_refused_in_one_sentence(doubles: ModuleType) -> None:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=doubles.code_in_a_daemon, args=(there,), daemon=True)
    process.start()
    assert here.poll(30)
    assert here.recv() == "a codec pool cannot run in a data-loader worker: code in the main process"
    process.join()


PARENT = """
import multiprocessing, numpy
from lightning_app.codecs import HEVC, CodecPool

if __name__ == "__main__":
    pool = CodecPool(HEVC(), 2)
    work = [numpy.random.default_rng(0).integers(0, 256, (256, 256)).astype(numpy.uint8)] * 8
    pool.code(work, [27] * 8)
    print(*(child.pid for child in multiprocessing.active_children()), flush=True)
    {then}
"""


def start_parent(folder: Path, then: str) -> tuple[subprocess.Popen[str], set[int]]:
    """A script of its own with a pool of two workers, and the workers' process ids."""
    script = folder / "parent.py"
    script.write_text(PARENT.format(then=then))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    parent = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env=environment)
    assert parent.stdout is not None
    return parent, {int(word) for word in parent.stdout.readline().split()}


@pytest.mark.parametrize(
    "then", ["input()", "while True: pool.code(work, [27] * 8)"], ids=["idle workers", "busy workers"]
)
def test_a_killed_parent_leaves_no_worker_behind(tmp_path: Path, then: str) -> None:
    parent, workers = start_parent(tmp_path, then.replace("input()", "multiprocessing.Event().wait()"))
    with parent:
        assert len(workers) == 2
        time.sleep(0.3)
        parent.kill()
    assert wait_until_dead(workers, 3) == set()


def test_a_script_that_forgets_to_close_still_ends(tmp_path: Path) -> None:
    parent, workers = start_parent(tmp_path, "pass")
    with parent:
        assert parent.wait(10) == 0
    assert wait_until_dead(workers, 1) == set()
