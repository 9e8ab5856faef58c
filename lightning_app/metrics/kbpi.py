"""The rate: kilobits per image, averaged over the pictures of a data set."""

import numpy as np
import torch
from torch import Tensor

from lightning_app.errors import OptionError
from lightning_app.metrics.rows import LARGEST, Floats, RowMetric, once

UNIT = 4096
"""Bytes are kept as two numbers, so that each is a whole number that float32 holds."""


class KilobitsPerImage(RowMetric):
    """KBPI: 8·bytes/1000 averaged over pictures, each counted once however often it was seen.

    A picture that was seen with two sizes (a sampler's padding repeats it, in a batch of another shape) counts with the
    smaller one, so that the result depends on neither the order of the pictures nor the number of ranks.
    """

    higher_is_better = False
    sizes: list[Tensor]  # rows (index, bytes // UNIT, bytes % UNIT)

    def __init__(self) -> None:
        super().__init__()
        self.add_table("sizes")

    def update(self, bits: Tensor, indices: Tensor) -> None:
        """Count one batch.

        Args:
            bits: (B,) integers, all that was sent for each picture, in bits: whole bytes, less than 64 GiB each.
            indices: (B,) integers, each picture's number in its data set, below 2**24.
        """
        check_integers("bits", bits)
        check_integers("indices", indices)
        if bits.shape != indices.shape:
            raise OptionError(f"bits and indices must go in pairs, not {len(bits)} with {len(indices)}")
        bits, indices = bits.long(), indices.long()
        refuse((bits < 0) | (bits % 8 != 0), bits, "bits must be those of whole bytes")
        refuse(bits >= 8 * LARGEST * UNIT, bits, "bits must be those of less than 64 GiB a picture")
        refuse((indices < 0) | (indices >= LARGEST), indices, "a picture's index must be in 0 … 2**24 - 1")
        sizes = bits // 8
        rows = torch.stack((indices, sizes // UNIT, sizes % UNIT), dim=1)  # (B, 3)
        self.append("sizes", rows.cpu().double().numpy())

    def compute(self) -> dict[str, Tensor]:
        """The rate of all pictures seen so far.

        Returns:
            ``kbpi``: kilobits per image; ``kbpi_std``: the standard deviation over these pictures (population);
            ``images``: how many they are. All on the CPU, the first two in float64 and NaN without any picture.
        """
        kilobits = self.by_picture()[:, 1] / 1000  # (I,)
        mean, std = (kilobits.mean(), kilobits.std()) if len(kilobits) else (np.nan, np.nan)
        return {
            "kbpi": torch.tensor(mean, dtype=torch.float64),
            "kbpi_std": torch.tensor(std, dtype=torch.float64),
            "images": torch.tensor(len(kilobits)),
        }

    def by_picture(self) -> Floats:
        """Rows (I, 2) of index and bits of the pictures seen so far, in the order of their indices."""
        index, units, rest = self.table("sizes", 3).astype(np.float64).T
        return once(np.stack((index, 8 * (units * UNIT + rest)), axis=1), keys=1)


def check_integers(name: str, values: Tensor) -> None:
    """Refuse what is not a vector of integers."""
    if values.ndim != 1 or values.dtype.is_floating_point or values.dtype.is_complex or values.dtype == torch.bool:
        raise OptionError(f"{name} must be (B,) integers, not {tuple(values.shape)} of {values.dtype}")


def refuse(wrong: Tensor, values: Tensor, rule: str) -> None:
    """Refuse the first wrong value, naming the rule that it breaks."""
    if wrong.any():
        raise OptionError(f"{rule}, not {values[wrong][0].item()}")
