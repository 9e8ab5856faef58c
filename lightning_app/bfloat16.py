"""Whether bfloat16 is slower than float32 here: some CPUs compute with it twice as fast, some half as fast."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.utilities import rank_zero_info

from lightning_app.graph import SplitDetector

FEWEST = 3
"""Turns of the measurement; the first one is slow."""
LONGEST = 1.0
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
    """How many times as fast as in float32 a network is in bfloat16 on one picture, each as a measurement runs it.

    The best times are compared, since other programs make some turns longer.
    """
    image = torch.rand(1, network.channels, *network.size, generator=torch.Generator().manual_seed(0))
    seconds: dict[bool, list[float]] = {False: [], True: []}
    start = time.perf_counter()
    with torch.no_grad(), network.unchanging():
        while len(seconds[True]) < FEWEST or time.perf_counter() - start < LONGEST:
            for is_short, of_way in seconds.items():
                before = time.perf_counter()
                with torch.autocast("cpu", torch.bfloat16, enabled=is_short):
                    network(image)
                of_way.append(time.perf_counter() - before)
    return min(seconds[False]) / min(seconds[True])
