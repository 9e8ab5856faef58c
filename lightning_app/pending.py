"""Work that is under way elsewhere: what every ``submit`` returns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

Result = TypeVar("Result")
Next = TypeVar("Next")


class Pending(Generic[Result]):
    """A result that may not be there yet, as `concurrent.futures.Future` has one.

    Args:
        wait: waits for the result and gives it; it is called once, by the first `result`.
    """

    def __init__(self, wait: Callable[[], Result]) -> None:
        self._wait: Callable[[], Result] | None = wait
        self._value: Result
        self._error: BaseException | None = None

    def result(self) -> Result:
        """Wait for the result; asked again, it is the same one, and so is an error."""
        if self._wait is not None:
            wait, self._wait = self._wait, None  # and let go of what it holds, such as features before coding
            try:
                self._value = wait()
            except BaseException as error:
                self._error = error
        if self._error is not None:
            raise self._error
        return self._value

    def then(self, function: Callable[[Result], Next]) -> Pending[Next]:
        """What ``function`` makes of the result; it runs when its own result is asked for, in the asking thread."""
        return Pending(lambda: function(self.result()))


def done(value: Result) -> Pending[Result]:
    """A result that is there already."""
    return Pending(lambda: value)
