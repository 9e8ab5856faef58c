"""How long the layers of a network take: warm-up, then the shortest of several passes of one picture.

Other work on the machine makes a pass longer and never shorter.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor

from lightning_app.graph import IMAGE, SplitDetector
from lightning_app.progress import tracked

Clock = Callable[[], float]
"""Seconds since some moment, once all work that was started is done."""

WARM_UP = 3
"""Passes before the first that counts: memory is allocated, kernels are chosen, clocks rise."""


def clock_of(device: torch.device) -> Clock:
    """The clock of a device; a GPU's waits until the GPU has done all that it was given."""

    def synchronised() -> float:
        torch.cuda.synchronize(device)
        return time.perf_counter()

    return synchronised if device.type == "cuda" else time.perf_counter


def drawn_picture(network: SplitDetector, device: torch.device) -> Tensor:
    """One picture of the network's own size, drawn from seed 0: (1, C, H, W) in [0, 1]."""
    generator = torch.Generator().manual_seed(0)
    return torch.rand((1, network.channels, *network.size), generator=generator).to(device)


@torch.inference_mode()
def layer_seconds(network: SplitDetector, image: Tensor, repeats: int, clock: Clock) -> list[float]:
    """Least seconds of each layer over ``repeats`` passes, after `WARM_UP` that do not count.

    Args:
        network: in evaluation mode.
        image: (1, C, H, W).
        repeats: passes that count, 1 or more.
        clock: to measure with.
    """
    counted = tracked(range(WARM_UP + repeats), "Timing the layers", WARM_UP + repeats, alone=True)
    passes = [_pass(network, image, clock) for _ in counted][WARM_UP:]
    return [min(seconds) for seconds in zip(*passes, strict=True)]


def _pass(network: SplitDetector, image: Tensor, clock: Clock) -> list[float]:
    """Seconds of each layer in one pass."""
    known = {IMAGE: image}
    last_use = {source: node.index for node in network.nodes for source in node.inputs}
    moments = [clock()]
    for node in network.nodes:
        known[node.index] = network.layer(node)(*(known[source] for source in node.inputs))
        for source in set(node.inputs):
            if last_use[source] == node.index:
                del known[source]
        moments.append(clock())
    return [after - before for before, after in pairwise(moments)]


@torch.inference_mode()
def whole_seconds(network: SplitDetector, image: Tensor, repeats: int, clock: Clock) -> float:
    """Least seconds of the network run as one, measured alike: what its layers' seconds should add up to."""
    passes = []
    for _ in tracked(range(WARM_UP + repeats), "Timing the network", WARM_UP + repeats, alone=True):
        start = clock()
        network(image)
        passes.append(clock() - start)
    return min(passes[WARM_UP:])
