"""Darknet's learning rate: burn-in, then steps (``src/network.c``, ``get_current_rate``)."""

from __future__ import annotations

from collections.abc import Sequence


def rate_factor(iteration: int, burn_in: int, steps: Sequence[int], scale: float) -> float:
    """What the learning rate is multiplied by.

    Args:
        iteration: number of the optimiser's step, from 1.
        burn_in: iterations over which the rate rises as (iteration / burn_in)⁴.
        steps: iterations from which it is multiplied by ``scale`` once more.
        scale: a fraction.

    >>> rate_factor(500, 1000, [40_000, 60_000], 0.1), rate_factor(40_000, 1000, [40_000, 60_000], 0.1)
    (0.0625, 0.1)
    """
    if iteration < burn_in:
        return float((iteration / burn_in) ** 4)
    return float(scale ** sum(iteration >= step for step in steps))
