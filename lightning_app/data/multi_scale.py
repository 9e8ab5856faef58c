"""Darknet's ``random=1``: training at a size that changes every few steps (``train_detector``)."""

from dataclasses import dataclass

import numpy as np

from lightning_app.errors import OptionError

MULTIPLE = 32  # that the whole network shrinks its input by


@dataclass(frozen=True)
class MultiScale:
    """The sizes of training: squares in steps of 32 pixels, each as likely; the defaults are Darknet's.

    Args:
        every: optimiser steps that one size lasts, at least 1.
        smallest: side in pixels, a multiple of 32.
        largest: side in pixels, a multiple of 32, at least smallest.
        finish: optimiser steps at the end of the training that all have the largest size, at least 0.
    """

    every: int = 10
    smallest: int = 320
    largest: int = 608
    finish: int = 200

    def __post_init__(self) -> None:
        if self.every < 1 or self.finish < 0:
            raise OptionError(f"every must be at least 1 and finish at least 0, not {self.every} and {self.finish}")
        if self.smallest % MULTIPLE or self.largest % MULTIPLE or not 0 < self.smallest <= self.largest:
            raise OptionError(
                f"smallest and largest must be multiples of {MULTIPLE}, the smaller first, "
                f"not {self.smallest} and {self.largest}"
            )


def draw_side(scale: MultiScale, seed: int, step: int, steps: int | None) -> int:
    """The side of the network's input at a step, in pixels: a function of the seed and the step alone.

    Args:
        scale: the sizes.
        seed: of the draw, at least 0.
        step: optimiser steps before this one.
        steps: optimiser steps of the whole training; None for an open end, which has no finish.
    """
    first = step - step % scale.every
    if steps is not None and first + scale.finish > steps:
        return scale.largest
    rng = np.random.default_rng(np.random.SeedSequence((seed, first // scale.every), spawn_key=(3,)))
    return MULTIPLE * int(rng.integers(scale.smallest // MULTIPLE, scale.largest // MULTIPLE, endpoint=True))
