"""The loss of each picture of a test, which tells systems apart that mean average precision cannot."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from lightning_app.metrics.rows import Floats, RowMetric, once


class PictureLoss(RowMetric):
    """The mean loss over pictures, each counted once, with the smaller loss, however often it was seen."""

    higher_is_better = False
    losses: list[Tensor]  # rows (index, loss)

    def __init__(self) -> None:
        super().__init__()
        self.add_table("losses")

    def update(self, losses: Sequence[float], indices: Sequence[int]) -> None:
        """Count one batch.

        Args:
            losses: of each picture, all terms together, kept in float32.
            indices: each picture's number in its data set, below 2**24.
        """
        self.append("losses", np.array([*zip(indices, losses, strict=True)]).reshape(-1, 2))

    def compute(self) -> Tensor:
        """The mean over all pictures seen so far, in float64 on the CPU; NaN without any."""
        losses = self.by_picture()[:, 1]
        return torch.tensor(losses.mean() if len(losses) else np.nan, dtype=torch.float64)

    def by_picture(self) -> Floats:
        """Rows (I, 2) of index and loss of the pictures seen so far, in the order of their indices."""
        return once(self.table("losses", 2).astype(np.float64), keys=1)
