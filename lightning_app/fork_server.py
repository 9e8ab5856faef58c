"""The process that the loader's workers are forked from."""

from __future__ import annotations

import multiprocessing
import signal
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext


def loader_context(augments: bool) -> ForkServerContext:
    """How the loader's workers start.

    A fork of this process would copy the codec pool's pipes and the locks of its threads and of CUDA; a spawn imports
    PyTorch anew in each worker. A fork server imports it once and is forked while it is small.

    Args:
        augments: whether the workers need albumentations too; without effect once the fork server runs.
    """
    context = multiprocessing.get_context("forkserver")
    augmenting = ["lightning_app.data.transforms"] if augments else []
    context.set_forkserver_preload(["__main__", "lightning_app.data.loading", *augmenting])
    return context


def start_early(augments: bool) -> None:
    """Start the fork server, unless it runs, so that its imports go on beside this process's own.

    Args:
        augments: whether the workers need albumentations too.

    It and the resource tracker are deaf to the signals that end a run: SLURM sends them to all processes of a job, and
    this one still needs them for the step that it finishes. They end with it.
    """
    loader_context(augments)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGTERM, signal.SIGUSR1)}
    forkserver.ensure_running()
    for number, handler in before.items():
        signal.signal(number, handler)
