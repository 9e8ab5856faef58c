"""Worker processes that survive the death of one of them: what codes pictures, one picture a core.

Why processes: x265 runs each picture on one thread, and a crash in native code must not take a training run with it.
Why spawn: forking a process that holds CUDA or other libraries' threads can deadlock the child.
Why `ProcessPoolExecutor`: when a worker is killed, `multiprocessing.Pool` waits for its result for ever, while the
executor raises `BrokenProcessPool`; here that means a new executor and another go at the unfinished tasks.
What the executor does not see is watched for here: a worker that hangs, and one that was killed while it sent a result,
for whose rest the executor would wait for ever.
A spawned worker imports the caller's main module again, so that one must be light, or guarded by
``if __name__ == "__main__":``.
"""

import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Any, Self, TypeVar

from lightning_app.codecs.cores import available_cores
from lightning_app.codecs.scratch import clear
from lightning_app.errors import CodecError, OptionError

MAX_FAILURES = 3
LIMIT = 300.0
"""Seconds for one call: more than 1,000 times what x265 takes for a picture; after them its worker counts as hung."""
GRACE = 2.0  # seconds that a worker may take to end
LOOK = 1.0  # seconds between looks for dead workers
NOT_FOR_WORKERS = (signal.SIGINT, signal.SIGUSR1)
"""Ctrl-C is the parent's, as is the latter, which SLURM sends to all processes of a job."""

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
        if executor is None:
            return
        workers = _workers(executor)
        _take_no_more(executor)  # here, not when time is up: `shutdown` closes the same pipe
        watch = threading.Timer(GRACE, _kill, [workers])
        watch.start()
        executor.shutdown(wait=True, cancel_futures=True)
        watch.cancel()
        for worker in workers:
            _end_programs(worker)
            clear(worker.pid)

    def run(self, function: Callable[..., Result], tasks: Sequence[tuple[Any, ...]]) -> list[Result]:
        """Call a function once a task, in the workers.

        Args:
            function: Of a module, so that it can be pickled, and without effects but its result.
            tasks: The arguments of each call.

        Returns:
            The results, in the order of `tasks`.

        Raises:
            CodecError: If workers keep dying or hanging; the pool stays usable, as it does after an error of
                `function`. The message names the call.
        """
        return list(self.stream([(function, *task) for task in tasks]))

    def stream(self, calls: Sequence[tuple[Any, ...]]) -> Iterator[Any]:
        """Begin calls in the workers, in their order; give the results in that order, each as soon as it is there.

        The workers go on while the caller is at a result, or elsewhere: other calls may begin before these have ended.

        A call may take `LIMIT` seconds, or the ``limit`` of its first argument; then all workers are killed and the
        unfinished calls are made again in new ones, as they are when a worker dies.

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
                        # After a failure one call alone, so that it is known whose failure the next one is.
                        _submit(executor, calls[: place + 1] if failures else calls, futures, place)
                    missing = failures > 0
                    result = _result(executor, futures[place], calls[place])
                except BrokenProcessPool as error:
                    if self._executor is executor:  # and not one that another stream has opened since
                        self.close()
                    missing = True
                    futures = {i: future for i, future in futures.items() if _succeeded(future)}
                    before, finished = finished, place + len(futures)
                    failures = 0 if finished > before else failures + 1
                    if failures == MAX_FAILURES:
                        raise CodecError(
                            f"the codec's workers died or hung {failures} times without finishing a picture, the last "
                            f"time at {_said(calls[place])}: is memory short, or the script that started them without "
                            '`if __name__ == "__main__":`?'
                        ) from error
                    continue
                del futures[place]
                place, failures = place + 1, 0
                yield result
        finally:
            for future in futures.values():
                future.cancel()


def _workers(executor: ProcessPoolExecutor) -> list[BaseProcess]:
    return list((executor._processes or {}).values())  # `kill_workers` is Python 3.14's


def _any_dead(executor: ProcessPoolExecutor) -> bool:
    return bool(multiprocessing.connection.wait([worker.sentinel for worker in _workers(executor)], 0))


def _kill(workers: Sequence[BaseProcess]) -> None:
    """End workers, those that are stopped too, so that their executor finds itself broken."""
    for worker in workers:
        worker.kill()
        _end_programs(worker)


def _take_no_more(executor: ProcessPoolExecutor) -> None:
    """Close our end of the workers' pipe: after the last of them the executor waits for the rest of no result."""
    queue: Any = executor._result_queue
    if queue is not None:
        queue._writer.close()


def _end_programs(worker: BaseProcess) -> None:
    """End what a worker had started, such as HM: it is of the worker's process group."""
    assert worker.pid is not None
    with suppress(ProcessLookupError):
        os.killpg(worker.pid, signal.SIGKILL)


def _limit(call: Sequence[Any]) -> float:
    return float(getattr(call[1], "limit", LIMIT)) if len(call) > 1 else LIMIT


def _said(call: Sequence[Any]) -> str:
    """A call in words, such as ``code(HEVC, a picture of 208×416, 27)``."""
    return f"{call[0].__name__}({', '.join(map(_argument_said, call[1:]))})"


def _argument_said(argument: Any) -> str:
    if hasattr(argument, "shape"):
        return f"a picture of {'×'.join(map(str, argument.shape))}"
    return f"{len(argument):,} bytes" if isinstance(argument, bytes) else str(argument)


def _submit(
    executor: ProcessPoolExecutor, calls: Sequence[tuple[Any, ...]], futures: dict[int, Future[Any]], first: int = 0
) -> None:
    """Begin the calls, from a place on, that `futures` lacks."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, NOT_FOR_WORKERS)  # which start here, and are deaf from the start
    try:
        for i in range(first, len(calls)):
            if i not in futures:
                futures[i] = executor.submit(*calls[i])
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _result(executor: ProcessPoolExecutor, future: Future[Any], call: Sequence[Any]) -> Any:
    """What a call gave, the first of those that are not finished; a worker is at it, or will be at once."""
    end = time.monotonic() + _limit(call)
    while not wait([future], LOOK).done:
        if time.monotonic() > end or _any_dead(executor):
            _kill(_workers(executor))
            _take_no_more(executor)
            break
    return future.result()


def _succeeded(future: Future[Any]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None


def _start_worker() -> None:
    """Leave Ctrl-C to the parent, and end with it however it ends."""
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
