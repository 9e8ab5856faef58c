"""Worker processes that survive the death of one of them: what codes pictures, one picture a core.

Why processes: x265 runs each picture on one thread, and a crash in native code must not take a training run with it.
Why spawn: forking a process that holds CUDA or other libraries' threads can deadlock the child.
Why `ProcessPoolExecutor`: when a worker is killed, `multiprocessing.Pool` waits for its result for ever, while the
executor raises `BrokenProcessPool`; here that means a new executor and another go at the unfinished tasks.
A spawned worker imports the caller's main module again, so that one must be light, or guarded by
``if __name__ == "__main__":``.
"""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from lightning_app.errors import CodecError, OptionError

MAX_FAILURES = 3
CGROUP = Path("/sys/fs/cgroup/cpu.max")

Result = TypeVar("Result")


class WorkerPool:
    """Processes that call functions, which start at first use and end with the `with` block.

    Copies of a pool, deep or pickled, carry the number of workers, never the processes.

    Args:
        workers: Worker processes, 1 or more; None for the machine's cores.
    """

    def __init__(self, workers: int | None = None) -> None:
        if workers is not None and workers < 1:
            raise OptionError(f"workers must be 1 or more, not {workers}")
        self.asked = workers
        self.workers = available_cores() if workers is None else workers
        self._executor: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __reduce__(self) -> tuple[Callable[..., "WorkerPool"], tuple[Any, ...]]:
        return type(self), (self.asked,)

    def share_cores(self, ranks: int) -> None:
        """Take one rank's part of the machine's cores, unless `workers` said how many."""
        if self.asked is None:
            self.close()
            self.workers = max(1, available_cores() // ranks)

    def open(self) -> None:
        """Make the executor, if there is none; its processes start as tasks come."""
        self._opened()

    def _opened(self) -> ProcessPoolExecutor:
        if self._executor is None:
            if multiprocessing.current_process().daemon:
                raise CodecError("a codec pool cannot run in a data-loader worker: code in the main process")
            context = multiprocessing.get_context("spawn")
            self._executor = ProcessPoolExecutor(self.workers, mp_context=context, initializer=_start_worker)
        return self._executor

    def close(self) -> None:
        """End the workers, if there are any; the pool opens again at its next use."""
        executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown(wait=True, cancel_futures=True)

    def run(self, function: Callable[..., Result], tasks: Sequence[tuple[Any, ...]]) -> list[Result]:
        """Call a function once a task, in the workers.

        Args:
            function: Of a module, so that it can be pickled, and without effects but its result.
            tasks: The arguments of each call.

        Returns:
            The results, in the order of `tasks`.

        Raises:
            CodecError: If workers keep dying; the pool stays usable, as it does after an error of `function`.
        """
        return list(self.stream([(function, *task) for task in tasks]))

    def stream(self, calls: Sequence[tuple[Any, ...]]) -> Iterator[Any]:
        """Begin calls in the workers, in their order; give the results in that order, each as soon as it is there.

        The workers go on while the caller is at a result, or elsewhere: other calls may begin before these have ended.

        Args:
            calls: A function, such as `run` takes, and its arguments, each.

        Raises:
            CodecError: As `run`, when the results are taken.
        """
        begun: dict[int, Future[Any]] = {}
        executor = self._opened()
        with suppress(BrokenProcessPool):  # taking the results begins them anew
            _submit(executor, calls, begun)
        return self._results(calls, begun, executor)

    def _results(
        self, calls: Sequence[tuple[Any, ...]], futures: dict[int, Future[Any]], executor: ProcessPoolExecutor
    ) -> Iterator[Any]:
        """The results of calls, of which `futures` has those that have begun in `executor`, by their places."""
        place = finished = failures = 0
        missing = len(futures) < len(calls)
        try:
            while place < len(calls):
                try:
                    if missing:
                        executor = self._opened()
                        _submit(executor, calls, futures, place)
                    missing = False
                    result = futures[place].result()
                except BrokenProcessPool as error:
                    if self._executor is executor:  # and not one that another stream has opened since
                        self.close()
                    missing = True
                    futures = {i: future for i, future in futures.items() if _succeeded(future)}
                    before, finished = finished, place + len(futures)
                    failures = 0 if finished > before else failures + 1
                    if failures == MAX_FAILURES:
                        raise CodecError(
                            f"the codec's workers died {failures} times without finishing a picture: is memory short, "
                            'or the script that started them without `if __name__ == "__main__":`?'
                        ) from error
                    continue
                del futures[place]
                place += 1
                yield result
        finally:
            for future in futures.values():
                future.cancel()


def available_cores() -> int:
    """The cores that this process may use: its affinity, or a container's quota of processor time if that is less."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, _quota(CGROUP)))


def _quota(path: Path) -> int:
    """Cores' worth of time that a cgroup (version 2) grants, rounded down; as good as no limit where it sets none."""
    try:
        quota, period = path.read_text(encoding="ascii").split()
        return int(quota) // int(period)
    except (OSError, ValueError):  # no cgroups of version 2, or "max"
        return sys.maxsize


def _submit(
    executor: ProcessPoolExecutor, calls: Sequence[tuple[Any, ...]], futures: dict[int, Future[Any]], first: int = 0
) -> None:
    """Begin the calls, from a place on, that `futures` lacks."""
    for i in range(first, len(calls)):
        if i not in futures:
            futures[i] = executor.submit(*calls[i])


def _succeeded(future: Future[Any]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None


def _start_worker() -> None:
    """Leave Ctrl-C to the parent, and end with it however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        # The main thread waits on a queue that nobody will fill again: no clean-up can reach it.
        os._exit(1)
