"""What the learning rate is multiplied by: Darknet's burn-in, then its steps or half a cosine."""

from __future__ import annotations

import math
from collections.abc import Sequence


def burn_in_factor(iteration: int, burn_in: int) -> float:
    """Darknet's start (``src/network.c``, ``get_current_rate``): (iteration / burn_in)⁴, then 1.

    Args:
        iteration: number of the optimiser's step, from 1.
        burn_in: iterations over which the rate rises.
    """
    return float((iteration / burn_in) ** 4) if iteration < burn_in else 1.0


def rate_factor(iteration: int, burn_in: int, steps: Sequence[int], scale: float) -> float:
    """Darknet's learning rate: burn-in, then steps (``src/network.c``, ``get_current_rate``).

    Args:
        iteration: number of the optimiser's step, from 1.
        burn_in: iterations over which the rate rises as (iteration / burn_in)⁴.
        steps: iterations from which it is multiplied by ``scale`` once more.
        scale: a fraction.

    >>> rate_factor(500, 1000, [40_000, 60_000], 0.1), rate_factor(40_000, 1000, [40_000, 60_000], 0.1)
    (0.0625, 0.1)
    """
    if iteration < burn_in:
        return burn_in_factor(iteration, burn_in)
    return float(scale ** sum(iteration >= step for step in steps))


def cosine_factor(iteration: int, burn_in: int, total: int) -> float:
    """Half a cosine from 1 down to 0 behind the last step, times Darknet's burn-in.

    Source: Loshchilov and Hutter, "SGDR" (2017), Eq. (5), without restarts.

    Args:
        iteration: number of the optimiser's step, from 1.
        burn_in: iterations over which the rate also rises as (iteration / burn_in)⁴.
        total: steps of the whole run.

    >>> cosine_factor(1, 0, 100), round(cosine_factor(51, 0, 100), 6), cosine_factor(101, 0, 100)
    (1.0, 0.5, 0.0)
    """
    done = min(1.0, (iteration - 1) / total)
    return burn_in_factor(iteration, burn_in) * (1 + math.cos(math.pi * done)) / 2
