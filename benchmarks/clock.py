"""Things timed in turns, so that a machine whose speed drifts slows all of them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from statistics import median


def in_turns(
    runs: Mapping[str, Callable[[], object]],
    turns: int,
    warm_up: int = 1,
    clock: Callable[[Callable[[], object]], float] | None = None,
) -> dict[str, list[float]]:
    """Seconds of each, one after another, ``turns`` times over; the first ``warm_up`` turns do not count.

    Args:
        runs: what is timed, by name.
        turns: that count.
        warm_up: turns that do not.
        clock: `wall`, which is the default, or `cpu`.
    """
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(warm_up + turns):
        for name, run in runs.items():
            seconds[name].append((clock or wall)(run))
    return {name: times[warm_up:] for name, times in seconds.items()}


def wall(run: Callable[[], object]) -> float:
    """Wall seconds of one call."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def cpu(run: Callable[[], object]) -> float:
    """CPU seconds of one call, of all threads of this process, which other programs do not change much."""
    start = time.process_time()
    run()
    return time.process_time() - start


def pairwise(over: list[float], under: list[float]) -> float:
    """The median of the ratios turn by turn."""
    return median(a / b for a, b in zip(over, under, strict=True))
