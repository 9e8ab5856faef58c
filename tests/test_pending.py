"""Work that is under way: it is waited for once, and its result or its error can be had again."""

from collections.abc import Callable

import pytest

from lightning_app.pending import Pending, done


@pytest.fixture
def calls() -> list[str]:
    return []


@pytest.fixture
def work(calls: list[str]) -> Callable[[], int]:
    def run() -> int:
        calls.append("work")
        return len(calls)

    return run


def test_the_work_is_waited_for_once_and_its_result_is_had_again(calls: list[str], work: Callable[[], int]) -> None:
    pending = Pending(work)
    assert calls == []
    assert (pending.result(), pending.result()) == (1, 1)


def test_what_follows_runs_only_when_its_result_is_asked_for(calls: list[str], work: Callable[[], int]) -> None:
    def double(value: int) -> int:
        calls.append("double")
        return 2 * value

    following = Pending(work).then(double)
    assert calls == []
    assert following.result() == 2
    assert calls == ["work", "double"]
    assert done(3).then(str).result() == "3"


def test_an_error_is_raised_each_time_the_result_is_asked_for_and_the_work_is_done_once(
    calls: list[str], work: Callable[[], int]
) -> None:
    def fail(value: int) -> None:
        raise ValueError(f"no picture {value}")

    pending = Pending(work).then(fail)
    for _ in range(2):
        with pytest.raises(ValueError, match="no picture 1"):
            pending.result()
    assert calls == ["work"]
