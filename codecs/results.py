"""The results of calls in worker processes, in the calls' order, whatever becomes of the processes."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from typing import Any

from lightning_app.codecs.executor import WorkerExecutor
from lightning_app.codecs.worker_process import deaf_from_the_start
from lightning_app.errors import CodecError

MAX_FAILURES = 3
LIMIT = 300.0
"""Seconds for one call: more than 1,000 times what x265 takes for a picture; after them its worker counts as hung."""

Call = Sequence[Any]
"""A function and its arguments."""


class Results:
    """Begins calls when it is made, gives their results in order, and makes calls again that a failure interrupted.

    What holds between any two of its methods: the results before `place` were taken, and nothing is left of their
    calls. Of the calls from `place` on, `futures` has those that have succeeded and those that were begun in
    `executor`; all others are missing, and `submit` begins them. So a call that has succeeded is never made again.

    Args:
        calls: what to call.
        opened: gives an executor that takes calls, the same one until it is discarded.
        discard: ends an executor that is broken, if `opened` would still give it.

    Attributes:
        place: of the next result.
        futures: of calls, by their places.
        executor: in which all unfinished calls of `futures` were begun.
        finished: how many calls had succeeded at the last failure.
        failures: how many failures in a row there were in which no call succeeded since the one before.
    """

    def __init__(
        self,
        calls: Sequence[Call],
        opened: Callable[[], WorkerExecutor],
        discard: Callable[[WorkerExecutor], None],
    ) -> None:
        self.calls, self.opened, self.discard = calls, opened, discard
        self.futures: dict[int, Future[Any]] = {}
        self.place = self.finished = self.failures = 0
        self.executor = opened()
        with suppress(BrokenProcessPool):  # taking the results recovers from it
            self.submit()

    def __iter__(self) -> Iterator[Any]:
        try:
            while self.place < len(self.calls):
                try:
                    self.submit()
                    result = self.take()
                except BrokenProcessPool as error:
                    self.recover(error)
                else:
                    yield result
        finally:
            self.executor.withdraw(self.futures.values())

    def submit(self) -> None:
        """Begin what is missing: after a failure the next call only, so that it is known whose failure the next is."""
        if len(self.futures) == len(self.calls) - self.place:
            return
        self.executor = self.opened()
        end = self.place + 1 if self.failures else len(self.calls)
        with deaf_from_the_start():
            for i in range(self.place, end):
                if i not in self.futures:
                    self.futures[i] = self.executor.submit(*self.calls[i])

    def take(self) -> Any:
        """Wait for the result at `place`, and go on to the next place."""
        result = self.executor.wait_for(self.futures[self.place], _limit(self.calls[self.place]))
        del self.futures[self.place]
        self.place, self.failures = self.place + 1, 0
        return result

    def recover(self, error: BrokenProcessPool) -> None:
        """Give up the broken executor and the calls that it had not finished; they are missing now.

        Raises:
            CodecError: this was the third failure in a row in which no call succeeded.
        """
        self.discard(self.executor)
        self.futures = {place: future for place, future in self.futures.items() if _succeeded(future)}
        before, self.finished = self.finished, self.place + len(self.futures)
        self.failures = 0 if self.finished > before else self.failures + 1
        if self.failures == MAX_FAILURES:
            raise CodecError(
                f"the codec's workers died or hung {MAX_FAILURES} times without finishing a picture, the last "
                f"time at {_said(self.calls[self.place])}: is memory short, or the script that started them without "
                '`if __name__ == "__main__":`?'
            ) from error


def _succeeded(future: Future[Any]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None


def _limit(call: Call) -> float:
    return float(getattr(call[1], "limit", LIMIT)) if len(call) > 1 else LIMIT


def _said(call: Call) -> str:
    """A call in words, such as ``code(HEVC, a picture of 208×416, 27)``."""
    return f"{call[0].__name__}({', '.join(map(_argument_said, call[1:]))})"


def _argument_said(argument: Any) -> str:
    if hasattr(argument, "shape"):
        return f"a picture of {'×'.join(map(str, argument.shape))}"
    return f"{len(argument):,} bytes" if isinstance(argument, bytes) else str(argument)
