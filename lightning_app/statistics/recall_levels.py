"""The 11 levels of recall at which VOC2007's rule reads a curve: exact tenths, or the floats of other programs."""

from collections.abc import Iterable
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from lightning_app.errors import DataError, OptionError

Floats: TypeAlias = NDArray[np.float64]
RecallLevels = Literal["tenths", "arange"]

TENTHS: Floats = np.arange(11) / 10
"""A recall of two whole numbers, divided in float64, reaches k/10 in float64 exactly where the fractions do."""
ARANGE: Floats = np.arange(0, 1.1, 0.1)
"""3, 6 and 7 times the float .1 lie above 3/10, 6/10 and 7/10: a recall of exactly these misses its level."""


def recall_levels(name: str) -> Floats:
    """The levels (11,) by their name.

    Raises:
        OptionError: there are none by this name.
    """
    if name not in get_args(RecallLevels):
        raise OptionError(f"recall_levels must be tenths or arange, not {name}")
    return TENTHS if name == "tenths" else ARANGE


def check_same_levels(names: Iterable[str]) -> None:
    """Refuse results of different levels.

    Raises:
        DataError: the levels differ.
    """
    if len(different := set(names)) > 1:
        raise DataError(
            f"results of different recall levels cannot be compared ({', '.join(sorted(different))}): "
            "measure them all with the same --model.recall_levels"
        )
