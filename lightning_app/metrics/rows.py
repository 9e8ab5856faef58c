"""States that survive any gather: tables of numbers about single pictures, kept flat.

torchmetrics gathers a list state from ranks of unequal length, some of them empty, only if it is 1-D, float32 and
concatenated. Tables are therefore kept row after row in one flat list, and whole numbers in them are at most 2**24.
"""

from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

Floats: TypeAlias = NDArray[np.float64]

LARGEST = 2**24  # float32 holds every whole number up to this one
SHORT = 2**12  # numbers of a tensor that still gets more rows


class RowMetric(Metric):
    """A metric whose states are tables, gathered from all ranks when it computes."""

    is_differentiable = False
    full_state_update = False

    @property
    def dtype(self) -> torch.dtype:
        """That of the states, in a half-precision run too: a rank without pictures must gather what the others do."""
        return torch.float32

    @property
    def update_called(self) -> bool:
        """Always, so that computing without pictures does not warn: its result is defined."""
        return True

    def add_table(self, name: str) -> None:
        """Declare an empty table."""
        self.add_state(name, default=[], dist_reduce_fx="cat")

    def append(self, name: str, rows: Floats) -> None:
        """Add rows (R, columns) to a table."""
        state: list[Tensor] = getattr(self, name)
        new = torch.from_numpy(rows.astype(np.float32)).flatten().to(self.device)
        # A tensor takes 1.5 kB whatever is in it, which the few rows of a batch are not worth.
        last = [state.pop()] if state and len(state[-1]) < SHORT else []
        state.append(torch.cat([*last, new]))

    def table(self, name: str, columns: int) -> NDArray[np.float32]:
        """All rows of a table (R, columns), as they are kept."""
        state: Tensor | list[Tensor] = getattr(self, name)
        flat = dim_zero_cat(state) if len(state) else torch.empty(0)
        rows: NDArray[np.float32] = flat.cpu().numpy().reshape(-1, columns)
        return rows


def once(rows: Floats, keys: int) -> Floats:
    """One row for each value of the first ``keys`` columns, in their order; of several, the smallest in the next one.

    >>> once(np.array([[7.0, 30.0], [2.0, 10.0], [7.0, 20.0]]), keys=1)
    array([[ 2., 10.],
           [ 7., 20.]])
    """
    rows = rows[np.lexsort(rows[:, keys::-1].T)]
    new = np.ones(len(rows), dtype=bool)
    new[1:] = (rows[1:, :keys] != rows[:-1, :keys]).any(axis=1)
    return rows[new]
