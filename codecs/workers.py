"""Worker processes that survive the death of one of them: what codes pictures, one picture per core.

Why processes: x265 runs each picture on one thread, and a crash in native code must not take a training run with it.
Why spawn: forking a process that holds CUDA or other libraries' threads can deadlock the child.
Why `ProcessPoolExecutor`: when a worker is killed, `multiprocessing.Pool` waits for its result for ever, while the
executor raises `BrokenProcessPool`; here that means a new executor and another go at the unfinished tasks.
What the executor does not see is watched for in `executor`: a worker that hangs, and one that was killed while it sent
a result, for whose rest the executor would wait for ever.
A spawned worker imports the caller's main module again, so that one must be light, or guarded by
``if __name__ == "__main__":``.
"""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from lightning_app.codecs.cores import available_cores
from lightning_app.codecs.executor import WorkerExecutor
from lightning_app.codecs.results import Call, Results
from lightning_app.errors import CodecError, OptionError

Result = TypeVar("Result")


class WorkerPool:
    """Processes that call functions, which start at `start` or at first use and end with the `with` block.

    Copies of a pool, deep or pickled, carry the number of workers, never the processes.

    Args:
        workers: worker processes, 1 or more; None for the machine's cores.
    """

    def __init__(self, workers: int | None = None) -> None:
        if workers is not None and workers < 1:
            raise OptionError(f"workers must be 1 or more, not {workers}")
        self.asked = workers
        self.workers = available_cores() if workers is None else workers
        self._executor: WorkerExecutor | None = None

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

    def start(self) -> None:
        """Start all processes, which takes them a moment, while the caller goes on."""
        self.stream([(int,)] * self.workers)

    def _opened(self) -> WorkerExecutor:
        if self._executor is None:
            if multiprocessing.current_process().daemon:
                raise CodecError("a codec pool cannot run in a data-loader worker: code in the main process")
            self._executor = WorkerExecutor(self.workers)
        return self._executor

    def close(self) -> None:
        """End the workers, if there are any; the pool opens again at its next use."""
        executor, self._executor = self._executor, None
        if executor is not None:
            executor.end()

    def _discard(self, executor: WorkerExecutor) -> None:
        if self._executor is executor:  # and not one that another stream has opened since
            self.close()

    def run(self, function: Callable[..., Result], tasks: Sequence[tuple[Any, ...]]) -> list[Result]:
        """Call a function once for each task, in the workers.

        Args:
            function: of a module, so that it can be pickled, and without effects but its result.
            tasks: the arguments of each call.

        Returns:
            the results, in the order of `tasks`.

        Raises:
            CodecError: workers keep dying or hanging; the pool stays usable, as it does after an error of
                `function`. The message names the call.
        """
        return list(self.stream([(function, *task) for task in tasks]))

    def stream(self, calls: Sequence[Call]) -> Iterator[Any]:
        """Begin calls in the workers, in their order; give the results in that order, each as soon as it is there.

        The workers go on while the caller is at a result, or elsewhere: other calls may begin before these have ended.

        A call may take `LIMIT` seconds, or the ``limit`` of its first argument; then all workers are killed and the
        unfinished calls are made again in new ones, as they are when a worker dies.

        Args:
            calls: a function, such as `run` takes, and its arguments, each.

        Raises:
            CodecError: as `run`, when the results are taken.
        """
        return iter(Results(calls, self._opened, self._discard))
