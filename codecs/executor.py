"""An executor of worker processes that sees what `ProcessPoolExecutor` does not: workers that hang or die half-way."""

import multiprocessing
import multiprocessing.connection
import threading
import time
from collections.abc import Iterable
from concurrent.futures import Future, ProcessPoolExecutor, wait
from multiprocessing.process import BaseProcess
from typing import Any

from lightning_app.codecs.worker_process import clear_up_after, kill, start_worker

GRACE = 2.0  # seconds that a worker may take to end
LOOK = 1.0  # seconds between looks for dead workers


class WorkerExecutor(ProcessPoolExecutor):
    """Spawned processes, which start as calls come; after the death of one of them it is broken, and stays so.

    Args:
        workers: processes, 1 or more.
    """

    def __init__(self, workers: int) -> None:
        super().__init__(workers, mp_context=multiprocessing.get_context("spawn"), initializer=start_worker)

    def wait_for(self, future: Future[Any], seconds: float) -> Any:
        """What a call gave that a worker is at, or will be at once.

        Args:
            future: of the call.
            seconds: that the call may take before all workers are killed.

        Raises:
            BrokenProcessPool: a worker died, or was killed; no call of this executor will give anything any more.
        """
        end = time.monotonic() + seconds
        while not wait([future], LOOK).done:
            if time.monotonic() > end or self._any_dead():
                kill(self._workers())
                self._take_no_more()
                break
        return future.result()

    def withdraw(self, futures: Iterable[Future[Any]]) -> None:
        """Let calls that no worker has begun do nothing.

        Cancelled, they would harm others: when a worker dies, the executor of Python 3.11 stumbles over the first
        cancelled call (gh-107219, mended in 3.12), and all calls after it wait for ever.
        """
        unwanted = set(futures)
        for item in list(self._pending_work_items.values()):
            if item.future in unwanted:
                item.args, item.kwargs, item.fn = (), {}, int

    def end(self) -> None:
        """End the workers, with all that they have started; those that are at a call have `GRACE` seconds."""
        workers = self._workers()
        self._take_no_more()  # here, not when time is up: `shutdown` closes the same pipe
        watch = threading.Timer(GRACE, kill, [workers])
        watch.start()
        self.shutdown(wait=True, cancel_futures=True)
        watch.cancel()
        clear_up_after(workers)

    def _workers(self) -> list[BaseProcess]:
        return list((self._processes or {}).values())  # `kill_workers` is Python 3.14's

    def _any_dead(self) -> bool:
        return bool(multiprocessing.connection.wait([worker.sentinel for worker in self._workers()], 0))

    def _take_no_more(self) -> None:
        """Close our end of the workers' pipe: after the last of them the executor waits for the rest of no result."""
        queue: Any = self._result_queue
        if queue is not None:
            queue._writer.close()
