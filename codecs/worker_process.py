"""What runs in a worker process beside its calls, and how it ends with all that it has started."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.process import BaseProcess

from lightning_app.codecs.scratch import clear

NOT_FOR_WORKERS = (signal.SIGINT, signal.SIGUSR1)
"""Ctrl-C is the parent's, as is the latter, which SLURM sends to all processes of a job."""


@contextmanager
def deaf_from_the_start() -> Iterator[None]:
    """A worker that starts in the `with` block hears no signal of `NOT_FOR_WORKERS`, before `start_worker` either."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, NOT_FOR_WORKERS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def start_worker() -> None:
    """In the worker: leave Ctrl-C to the parent, and end with it however it ends."""
    for number in NOT_FOR_WORKERS:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, NOT_FOR_WORKERS)
    os.setpgid(0, 0)  # with whatever it starts
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        clear(os.getpid())
        # The main thread waits on a queue that nobody will fill again: no clean-up can reach it.
        os.killpg(0, signal.SIGKILL)


def kill(workers: Sequence[BaseProcess]) -> None:
    """In the parent: end workers, those that are stopped too, so that their executor finds itself broken."""
    for worker in workers:
        worker.kill()
        _end_programs(worker)


def clear_up_after(workers: Sequence[BaseProcess]) -> None:
    """In the parent: end the programs and remove the files of workers that have ended."""
    for worker in workers:
        _end_programs(worker)
        clear(worker.pid)


def _end_programs(worker: BaseProcess) -> None:
    """End what a worker had started, such as HM: it is of the worker's process group."""
    assert worker.pid is not None
    with suppress(ProcessLookupError):
        os.killpg(worker.pid, signal.SIGKILL)
