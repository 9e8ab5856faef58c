import pytest

from lightning_app.data import EpochSampler, EvenBatches, Key, ShardSampler
from lightning_app.errors import OptionError


def indices(sampler: EpochSampler) -> list[int]:
    return [key.index for key in sampler]


def test_an_epoch_is_a_shuffle_of_every_picture() -> None:
    sampler = EpochSampler(40, 8)
    assert sorted(indices(sampler)) == list(range(40))
    assert indices(sampler) != list(range(40))


def test_keys_carry_the_epoch() -> None:
    sampler = EpochSampler(4, 2)
    sampler.set_epoch(3)
    assert all(isinstance(key, Key) and key.epoch == 3 for key in sampler)


def test_orders_differ_by_epoch_and_seed_and_are_repeatable() -> None:
    def order(seed: int, epoch: int) -> list[int]:
        sampler = EpochSampler(64, 8, seed=seed)
        sampler.set_epoch(epoch)
        return indices(sampler)

    assert order(0, 1) == order(0, 1)
    assert len({tuple(order(*draw)) for draw in ((0, 0), (0, 1), (1, 0), (1, 1))}) == 4


@pytest.mark.parametrize("ranks", [1, 2, 3])
def test_ranks_get_equally_many_whole_batches_and_no_picture_twice(ranks: int) -> None:
    shards = [indices(EpochSampler(53, 4, ranks=ranks, rank=rank)) for rank in range(ranks)]
    assert {len(shard) for shard in shards} == {53 // (4 * ranks) * 4}
    assert len(EpochSampler(53, 4, ranks=ranks)) == len(shards[0])
    together = [index for shard in shards for index in shard]
    assert len(set(together)) == len(together)


def test_a_step_takes_the_same_pictures_however_many_ranks_share_it() -> None:
    whole = indices(EpochSampler(48, 8))
    halves = [indices(EpochSampler(48, 4, ranks=2, rank=rank)) for rank in range(2)]
    for step in range(6):
        shared = [index for half in halves for index in half[4 * step : 4 * step + 4]]
        assert sorted(shared) == sorted(whole[8 * step : 8 * step + 8])


def test_the_pictures_that_are_dropped_change_from_epoch_to_epoch() -> None:
    sampler, dropped = EpochSampler(11, 4), []
    for epoch in range(8):
        sampler.set_epoch(epoch)
        dropped.append(frozenset(range(11)) - set(indices(sampler)))
    assert len(set(dropped)) > 1


def test_a_batch_larger_than_the_set_is_refused_with_the_remedy() -> None:
    with pytest.raises(OptionError, match="lower batch_size · accumulate_grad_batches to at most 2"):
        EpochSampler(5, 4, ranks=2)


@pytest.mark.parametrize("ranks", [1, 2, 3])
@pytest.mark.parametrize("count", [1, 2, 17, 357])
def test_evaluation_sees_every_picture_once_over_all_ranks(ranks: int, count: int) -> None:
    shards = [list(ShardSampler(count, ranks, rank)) for rank in range(ranks)]
    assert sorted(index for shard in shards[:count] for index in shard) == list(range(count))
    assert shards[count:] == [[0]] * (ranks - count)  # those without one of their own
    assert [len(ShardSampler(count, ranks, rank)) for rank in range(ranks)] == [len(shard) for shard in shards]


@pytest.mark.parametrize("ranks", [1, 2, 3])
@pytest.mark.parametrize(("count", "batch_size"), [(33, 16), (357, 16), (7, 4), (12, 4)])
def test_validation_has_equally_many_batches_on_every_rank(ranks: int, count: int, batch_size: int) -> None:
    ranked = [list(EvenBatches(ShardSampler(count, ranks, rank), batch_size)) for rank in range(ranks)]
    assert len({len(batches) for batches in ranked}) == 1
    assert len(EvenBatches(ShardSampler(count, ranks), batch_size)) == len(ranked[0])
    assert all(0 < len(batch) <= batch_size for batches in ranked for batch in batches)
    assert sorted(index for batches in ranked for batch in batches for index in batch) == list(range(count))


def test_a_shard_too_short_for_its_batches_sees_the_first_picture_again() -> None:
    ranked = [list(EvenBatches(ShardSampler(3, 2, rank), 1)) for rank in range(2)]
    assert ranked == [[[0], [2]], [[1], [0]]]


def test_a_resumed_epoch_goes_on_behind_what_was_seen_and_the_next_is_whole() -> None:
    def keys(skipped: int, ranks: int = 2) -> list[list[Key]]:
        sampler = EpochSampler(53, 4, ranks=ranks, rank=1, side_at=lambda step: 32 * step)
        sampler.set_epoch(2)
        sampler.skip(skipped)
        return [list(sampler), list(sampler)]

    (whole, _), (resumed, following) = keys(0), keys(10)
    assert resumed == whole[10:]
    assert following == whole
