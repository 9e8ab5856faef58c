"""The lifetime of the codec's processes: from the set-up of a run to its end, however it ends."""

from __future__ import annotations

import os
import socket

import torch.distributed
from pytorch_lightning import Callback, LightningModule, Trainer

from lightning_app.codecs import WorkerPool


class CodecPoolLifetime(Callback):
    """Shares the machine's cores between the codec processes of its ranks, and ends them with the run.

    Args:
        pool: whose processes to look after.
    """

    def __init__(self, pool: WorkerPool) -> None:
        self.pool = pool

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:  # noqa: ARG002
        """Start the processes, so that they are ready at the first batch."""
        self.pool.share_cores(ranks=ranks_on_these_cores())
        self.pool.start()

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:  # noqa: ARG002
        """End them."""
        self.pool.close()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:  # noqa: ARG002
        """End them, after an error or Ctrl-C."""
        self.pool.close()


def ranks_on_these_cores() -> int:
    """How many ranks may run on this one's cores, itself included: 1 where each is given cores of its own."""
    if not torch.distributed.is_initialized():
        return 1
    mine = (socket.gethostname(), os.sched_getaffinity(0))
    all_: list[tuple[str, set[int]]] = [mine] * torch.distributed.get_world_size()
    torch.distributed.all_gather_object(all_, mine)
    return sum(host == mine[0] and bool(cores & mine[1]) for host, cores in all_)
