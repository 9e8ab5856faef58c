"""Which pictures a rank sees, in which order and at which size: functions of (seed, epoch, rank)."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from torch.utils.data import BatchSampler, Sampler

from lightning_app.data.examples import Key
from lightning_app.errors import OptionError


class EpochSampler(Sampler[Key]):
    """The training pictures in an order drawn for each epoch, dealt out over the ranks like cards.

    Every rank gets the same whole number of batches, and what is left over is dropped; it is other pictures in every
    epoch. Padding would show some pictures twice, and a short batch would weigh less in Darknet's loss, which is
    divided by 64 whatever the batch. Step k over all ranks takes the same pictures however many ranks share them.

    Args:
        count: number of pictures.
        batch_size: pictures that one rank takes for a step of the optimiser, all its accumulated batches.
        seed: of the order, at least 0.
        ranks: number of processes that train together.
        rank: which of them this is.
        side_at: the side of the network's input, in pixels, at an optimiser's step, counted from 0 over all epochs;
            None for the dataset's own.
    """

    def __init__(
        self,
        count: int,
        batch_size: int,
        seed: int = 0,
        ranks: int = 1,
        rank: int = 0,
        side_at: Callable[[int], int] | None = None,
    ) -> None:
        self.batches = count // (batch_size * ranks)
        if self.batches == 0:
            raise OptionError(
                f"a step of {batch_size} pictures on each of {ranks} ranks needs more than the {count} training "
                f"pictures there are: lower batch_size · accumulate_grad_batches to at most {count // ranks}"
            )
        self.count, self.batch_size, self.seed = count, batch_size, seed
        self.ranks, self.rank = ranks, rank
        self.side_at = side_at
        self.epoch = self.skipped = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch; Lightning does it before each one, and after a resume."""
        self.epoch = epoch

    def skip(self, pictures: int) -> None:
        """Leave out the first pictures of the next iteration, which an interrupted run has seen in its epoch."""
        self.skipped = pictures

    def __iter__(self) -> Iterator[Key]:
        entropy = np.random.SeedSequence((self.seed, self.epoch), spawn_key=(1,))
        order = np.random.default_rng(entropy).permutation(self.count)
        skipped, self.skipped = self.skipped, 0
        for place, index in enumerate(order[self.rank :: self.ranks][: len(self)]):
            if place >= skipped:
                step = self.epoch * self.batches + place // self.batch_size
                yield Key(self.epoch, int(index), None if self.side_at is None else self.side_at(step))

    def __len__(self) -> int:
        return self.batches * self.batch_size


class ShardSampler(Sampler[int]):
    """Every ``ranks``-th picture from ``rank`` on, without padding: over all ranks, each is seen exactly once.

    Of more ranks than pictures, those without one see the first again: Lightning refuses a rank that has no batch, and
    the others would wait for it. Our metrics count a picture once.

    Args:
        count: number of pictures.
        ranks: number of processes that evaluate together.
        rank: which of them this is.
    """

    def __init__(self, count: int, ranks: int = 1, rank: int = 0) -> None:
        self.count, self.ranks, self.rank = count, ranks, rank

    def __iter__(self) -> Iterator[int]:
        return iter(self._shard())

    def __len__(self) -> int:
        return len(self._shard())

    def _shard(self) -> range:
        return range(self.rank if self.rank < self.count else 0, self.count, self.ranks)


class EvenBatches(BatchSampler):
    """Batches of a shard, as many on every rank, though shards differ by one picture.

    DistributedDataParallel sends its buffers around at each step, in validation too: a rank with one batch more than
    another would wait for ever. Where a shard has too few pictures to fill its batches, the first picture of all is
    seen again; our metrics count a picture once.

    Args:
        sampler: the shard.
        batch_size: most pictures a batch.
    """

    def __init__(self, sampler: ShardSampler, batch_size: int) -> None:
        super().__init__(sampler, batch_size, drop_last=False)
        self.shard = sampler

    def __iter__(self) -> Iterator[list[Any]]:
        pictures = [*self.shard, *[0] * (len(self) - len(self.shard))]
        for batch in np.array_split(np.array(pictures, np.int64), len(self)):
            yield batch.tolist()

    def __len__(self) -> int:
        longest = -(-self.shard.count // self.shard.ranks)
        return -(-longest // self.batch_size)
