"""Dropouts whose draws are functions of numbers, and not of torch's global state: they can be repeated."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor, nn

from lightning_app.errors import OptionError


class Dropout(nn.Module):
    """``[dropout]``: in training some samples become 0 and the others grow instead (``src/dropout_layer.c``).

    The draws are a stream of this layer alone: the global random state is neither read nor moved. A CPU and a GPU draw
    different samples from one seed.

    Args:
        probability: that a sample becomes 0, from 0 up to but without 1.
    """

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability
        self.reseed(0)

    def reseed(self, seed: int) -> None:
        """Start the stream of draws anew."""
        self.seed = seed
        self.generator: torch.Generator | None = None

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, N, M) -> the same shape; unchanged in evaluation mode."""
        if not self.training:
            return x
        if self.generator is None or self.generator.device != x.device:
            self.generator = torch.Generator(x.device).manual_seed(self.seed)
        kept = torch.rand(x.shape, generator=self.generator, device=x.device) >= self.probability
        return x * kept / (1 - self.probability)


def reseed_each(dropouts: Iterable[tuple[int, Dropout]], entropy: tuple[int, ...]) -> None:
    """Start the draws of each dropout anew, as a function of its number and these numbers only.

    Args:
        dropouts: each with a number of its own, 0 or more.
        entropy: 0 or more each, such as the seed, epoch, batch and rank of a training step.
    """
    for number, dropout in dropouts:
        sequence = np.random.SeedSequence(entropy, spawn_key=(number,))
        dropout.reseed(int(sequence.generate_state(1, np.uint64)[0] >> np.uint64(1)))


def make_repeatable(module: nn.Module) -> None:
    """Replace every ``torch.nn.Dropout`` in a module.

    Raises:
        OptionError: the module has a dropout of another kind.
    """
    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            if type(child) is nn.Dropout:
                parent.add_module(name, Dropout(child.p))
            elif isinstance(child, nn.modules.dropout._DropoutNd):
                raise OptionError(f"the draws of {type(child).__name__} cannot be repeated: use torch.nn.Dropout")


def dropouts_of(module: nn.Module) -> list[Dropout]:
    """Those of a module, in its order."""
    return [part for part in module.modules() if isinstance(part, Dropout)]
