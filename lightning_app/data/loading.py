"""Loaders whose worker processes neither change the results nor hide a mistake."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import BatchSampler, DataLoader, Sampler

from lightning_app.data.examples import Batch, Example, ExampleDataset, Target, collate
from lightning_app.data.pixels import use_one_thread
from lightning_app.data.samplers import EpochSampler
from lightning_app.errors import DataError
from lightning_app.fork_server import loader_context


class Loader(DataLoader[Example]):
    """A loader that goes on in the middle of an epoch, and passes a worker's ``DataError`` on as the sentence it was.

    Attributes:
        taken: batches that were given in this epoch; a checkpoint keeps them.
    """

    taken = 0
    _taken_before = 0

    def state_dict(self) -> dict[str, int]:
        """Called by Lightning for a checkpoint."""
        return {"taken": self.taken}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Called by Lightning before it resumes an epoch; one that was finished is not resumed."""
        self._taken_before = state["taken"] % len(self)

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        self.taken, self._taken_before = self._taken_before, 0
        if self.taken:
            cast(EpochSampler, self.sampler).skip(self.taken * (self.batch_size or 1))
        try:
            for batch in self._batches():
                self.taken += 1
                yield batch
        except DataError as error:
            sentence = str(error).strip().splitlines()[-1]
            raise DataError(sentence.removeprefix(f"{DataError.__module__}.{DataError.__name__}: ")) from None

    def _batches(self) -> Iterator[Any]:
        return map(_with_tensors, super().__iter__())


class LookaheadLoader(Loader):
    """Gives each batch with the one after it, on which work may begin while this one's features are coded."""

    def _batches(self) -> Iterator[Any]:
        batches = super()._batches()
        batch = next(batches, None)
        while batch is not None:
            following = next(batches, None)
            yield batch if following is None else {**batch, "following": following}
            batch = following


def make_loader(
    dataset: ExampleDataset,
    workers: int,
    sampler: Sampler[Any] | None = None,
    batch_size: int = 1,
    batch_sampler: BatchSampler | None = None,
    kind: type[Loader] = Loader,
) -> Loader:
    """A loader over either a sampler and a batch size, or a sampler of batches.

    The workers live from epoch to epoch: the epoch reaches them inside each key, so they need no restart.
    """
    return kind(
        dataset,
        batch_size=batch_size,
        sampler=sampler,
        batch_sampler=batch_sampler,
        num_workers=workers,
        collate_fn=_collate_in_worker,
        pin_memory=torch.cuda.is_available(),
        worker_init_fn=_start_worker,
        multiprocessing_context=loader_context(dataset.augmentation is not None) if workers else None,
        persistent_workers=workers > 0,
        # PyTorch draws a seed for its workers at each epoch: from here, and not from the global generator.
        generator=torch.Generator(),
    )


def _collate_in_worker(examples: Sequence[Example]) -> Batch:
    """A batch whose targets hold arrays, which are sent as they are.

    PyTorch opens a file and a connection for each tensor that a worker sends: of the small ones of all targets that
    took the main process longer than anything else it did with a batch.
    """
    batch = collate(examples)
    for target in batch["targets"]:
        _replace(target, Tensor, Tensor.numpy)
    return batch


def _with_tensors(batch: Batch) -> Batch:
    """A batch from `_collate_in_worker`, in the main process."""
    for target in batch["targets"]:
        _replace(target, np.ndarray, torch.from_numpy)
    return batch


def _replace(target: Target, kind: type, function: Callable[[Any], Any]) -> None:
    """Call a function on all values of one kind, in place."""
    values = cast(dict[str, Any], target)
    values.update((name, function(value)) for name, value in target.items() if isinstance(value, kind))


def _start_worker(_worker: int) -> None:
    """Set up a worker process.

    PyTorch's own watch is for the end of the process that forked the worker. That is the fork server, which waits
    for its workers: after a kill of the main process, both would wait for each other for ever.
    """
    # The main process finishes a step before it ends: signals to all processes of a run are not for the workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    use_one_thread()
    for watch in (_end_with_parent, _end_when_told):
        threading.Thread(target=watch, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _end_when_told() -> None:
    """End at a SIGTERM of the main process, and at no other."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != parent.pid:
        pass
    os._exit(1)
