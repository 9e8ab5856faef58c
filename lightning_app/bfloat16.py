"""Whether bfloat16 is slower than float32 here: some CPUs compute with it twice as fast, some half as fast."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.utilities import rank_zero_info
from torch import Tensor, nn

from lightning_app.graph import Node, SplitDetector

FEWEST = 3
"""Turns of the measurement; the first one is slow."""
LONGEST = 0.2
"""Seconds after which the measurement begins no other turn."""
SLOWER = 0.9
"""Of the speed of float32; what lies between this and 1 is noise."""


class Bfloat16Advice(Callback):
    """Says in one line, before pictures are measured on a CPU in bfloat16, that float32 would be faster, if it is so.

    Args:
        measure: how fast bfloat16 is against float32, for a detector.
    """

    def __init__(self, measure: Callable[[SplitDetector], float] | None = None) -> None:
        self.measure = measure or speed_of_bfloat16

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Measure, where it matters."""
        if trainer.precision != "bf16-mixed" or trainer.strategy.root_device.type != "cpu":
            return
        network = pl_module.network
        assert isinstance(network, SplitDetector)
        speed = self.measure(network)
        if speed < SLOWER:
            rank_zero_info(
                f"bfloat16 has {speed:.2f} of the speed of float32 on this CPU: --trainer.precision 32-true is faster"
            )

    on_predict_start = on_test_start


def speed_of_bfloat16(network: SplitDetector) -> float:
    """How many times as fast as in float32 a typical convolution of one picture is in bfloat16, as autocast runs it.

    The best times are compared, since other programs make some turns longer. It takes some 0.2 seconds. A network
    without convolutions has 1.
    """
    found = _typical(network)
    if found is None:
        return 1.0
    convolution, x = found
    seconds: dict[bool, list[float]] = {False: [], True: []}
    start = time.perf_counter()
    with torch.no_grad():
        while len(seconds[True]) < FEWEST or time.perf_counter() - start < LONGEST:
            for is_short, of_way in seconds.items():
                before = time.perf_counter()
                with torch.autocast("cpu", torch.bfloat16, enabled=is_short):
                    convolution(x)
                of_way.append(time.perf_counter() - before)
    return min(seconds[False]) / min(seconds[True])


def _typical(network: SplitDetector) -> tuple[nn.Conv2d, Tensor] | None:
    """The convolution whose work is the median of all, and an input of its size, (1, C, N, M)."""
    found = [(node, convolution) for node in network.nodes if (convolution := _convolution(network, node)) is not None]
    if not found:
        return None
    found.sort(key=lambda pair: _work(*pair))
    node, convolution = found[len(found) // 2]
    sides = [side * step for side, step in zip(node.shape[1:], convolution.stride, strict=True)]
    return convolution, torch.ones(1, convolution.in_channels, *sides, dtype=convolution.weight.dtype)


def _convolution(network: SplitDetector, node: Node) -> nn.Conv2d | None:
    return next((part for part in network.layer(node).modules() if isinstance(part, nn.Conv2d)), None)


def _work(node: Node, convolution: nn.Conv2d) -> int:
    """Products of one picture."""
    _, rows, columns = node.shape
    return convolution.weight.numel() * rows * columns
