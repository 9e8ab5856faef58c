"""Training at sizes that change with the optimiser's steps."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from jsonargparse import ArgumentParser

from lightning_app.data import Augmentation, EpochSampler, Key, MultiScale, VOCDataModule, VOCDataset
from lightning_app.data.multi_scale import draw_side
from lightning_app.errors import OptionError

Dfc = Callable[..., tuple[int, str, str]]
WriteDevkit = Callable[..., Path]


def test_the_defaults_are_darknets() -> None:
    """``dim = (rand() % 10 + 10) * 32`` every 10 batches, and 608 once ``get_current_batch(net)+200 > max_batches``."""
    assert MultiScale() == MultiScale(every=10, smallest=320, largest=608, finish=200)


def test_every_multiple_of_32_is_drawn_as_often() -> None:
    sides = [draw_side(MultiScale(), 0, step, None) for step in range(0, 20_000, 10)]
    assert sorted(set(sides)) == [320, 352, 384, 416, 448, 480, 512, 544, 576, 608]
    assert all(150 < sides.count(side) < 250 for side in set(sides))


def test_a_size_lasts_for_whole_tens_of_steps() -> None:
    sides = [draw_side(MultiScale(), 3, step, None) for step in range(300)]
    assert all(len(set(sides[first : first + 10])) == 1 for first in range(0, 300, 10))
    assert len({tuple(sides[first : first + 10]) for first in range(0, 300, 10)}) > 5


def test_seeds_draw_different_sizes() -> None:
    drawn = {tuple(draw_side(MultiScale(), seed, step, None) for step in range(0, 100, 10)) for seed in range(4)}
    assert len(drawn) == 4


def test_the_run_ends_at_the_largest_size() -> None:
    """80,010 is the first multiple of ten that is less than 200 steps before the end; 80,000 is exactly 200 before."""
    sides = [draw_side(MultiScale(), 0, step, 80_200) for step in range(79_800, 80_200)]
    assert sides[210:] == [608] * 190
    assert sides[:210] == [draw_side(MultiScale(), 0, step, None) for step in range(79_800, 80_010)]
    assert len(set(sides[:210])) > 3
    assert draw_side(MultiScale(finish=0), 0, 80_199, 80_200) == draw_side(MultiScale(), 0, 80_199, None)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"every": 0}, "every must be at least 1"),
        ({"finish": -1}, "finish at least 0"),
        ({"smallest": 300}, "must be multiples of 32"),
        ({"largest": 600}, "must be multiples of 32"),
        ({"smallest": 640}, "the smaller first, not 640 and 608"),
        ({"smallest": 0}, "must be multiples of 32"),
    ],
)
def test_sizes_out_of_range_are_refused(options: dict[str, int], why: str) -> None:
    with pytest.raises(OptionError, match=why):
        MultiScale(**options)


def sides_by_step(sampler: EpochSampler, epoch: int, pictures: int) -> list[set[int | None]]:
    sampler.set_epoch(epoch)
    keys = list(sampler)
    return [{key.side for key in keys[first : first + pictures]} for first in range(0, len(keys), pictures)]


@pytest.mark.parametrize("ranks", [1, 2, 4])
def test_the_pictures_of_a_step_have_one_size_on_every_rank(ranks: int) -> None:
    for rank in range(ranks):
        sampler = EpochSampler(53, 8 // ranks, ranks=ranks, rank=rank, side_at=lambda step: 32 * (step + 1))
        # 53 pictures are 6 steps of 8: the second epoch goes on with the seventh.
        assert sides_by_step(sampler, 0, 8 // ranks) == [{32 * step} for step in range(1, 7)]
        assert sides_by_step(sampler, 1, 8 // ranks) == [{32 * step} for step in range(7, 13)]


def test_without_multi_scale_a_key_asks_for_the_datasets_own_size() -> None:
    assert {key.side for key in EpochSampler(8, 4)} == {None}


@pytest.mark.parametrize("augmentation", [None, Augmentation()])
def test_a_picture_and_its_boxes_are_the_same_at_every_size(
    write_devkit: WriteDevkit, augmentation: Augmentation | None
) -> None:
    data = VOCDataset(write_devkit(), ["VOC2007/test"], (416, 416), augmentation=augmentation)
    own = data[Key(5, 3)]
    for side in (320, 416, 608):
        sample = data[Key(5, 3, side)]
        assert sample["image"].shape == (3, side, side)
        assert torch.equal(sample["target"]["labels"], own["target"]["labels"])
        # In whole pixels where the picture is placed: both edges may be half a pixel away, at both sizes.
        torch.testing.assert_close(sample["target"]["boxes"], own["target"]["boxes"], rtol=0, atol=2 / 320)


def test_evaluation_keeps_the_networks_size(write_devkit: WriteDevkit) -> None:
    scale = MultiScale(every=1, smallest=32, largest=96, finish=0)
    data = VOCDataModule(
        str(write_devkit(8)), ["VOC2007/trainval"], size=64, batch_size=1, workers=0, multi_scale=scale
    )
    data.setup()
    assert {batch["images"].shape[2] for batch in data.train_dataloader()} == {32, 64, 96}
    for loader in (data.val_dataloader(), data.test_dataloader(), data.predict_dataloader()):
        assert {batch["images"].shape[2:] for batch in loader} == {(64, 64)}


def test_it_is_an_option_with_its_own_help(capsys: pytest.CaptureFixture[str]) -> None:
    parser = ArgumentParser()
    parser.add_class_arguments(VOCDataModule, "data")
    config = parser.parse_args(["--data.root=x", "--data.multi_scale.every", "5"])
    assert parser.instantiate(config).data.multi_scale == MultiScale(every=5)
    assert parser.parse_args(["--data.root=x"]).data.multi_scale is None
    with pytest.raises(SystemExit):
        parser.parse_args(["--data.multi_scale.help"])
    assert "optimiser steps that one size lasts, at least 1" in " ".join(capsys.readouterr().out.split())


RECORDER = """
import json
from pytorch_lightning import Callback

class Recorder(Callback):
    def on_train_batch_start(self, trainer, module, batch, batch_idx):
        ids = [target["id"] for target in batch["targets"]]
        with open("sizes.jsonl", "a") as file:
            print(json.dumps([trainer.global_step, batch["images"].shape[2], ids]), file=file)

class Stop(Callback):
    def on_train_epoch_end(self, trainer, module):
        trainer.should_stop = True
"""
SCALE = ("--data.multi_scale.every", "2", "--data.multi_scale.smallest", "64", "--data.multi_scale.largest", "160")
CHANNEL = ("--model.channel.split", "max_5", "--model.channel.qps", "[lossless,37]")


def recorded() -> list[tuple[int, int, list[str]]]:
    """(step, side, pictures) of each batch since the last call."""
    rows = [tuple(json.loads(line)) for line in Path("sizes.jsonl").read_text().splitlines()]
    Path("sizes.jsonl").unlink()
    return sorted(rows)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*does not have many workers")
def test_sizes_depend_neither_on_workers_nor_on_a_stop(
    dfc: Dfc, tiny: tuple[str, ...], workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """24 pictures in 6 steps of 2 batches of 2, twice, through the codec; the last 3 steps are the finish."""
    (workplace / "size_recorder.py").write_text(RECORDER)
    (workplace / "record.yaml").write_text("trainer: {callbacks+: {class_path: size_recorder.Recorder}}")
    monkeypatch.syspath_prepend(workplace)
    run = ("fit", *tiny, "-c", "record.yaml", *CHANNEL, *SCALE, "--data.multi_scale.finish", "3")
    run += ("--data.batch_size", "2", "--trainer.accumulate_grad_batches", "2")
    status, _, err = dfc(*run)
    assert status == 0, err
    whole = recorded()
    scale = MultiScale(every=2, smallest=64, largest=160, finish=3)
    assert [(step, side) for step, side, _ in whole] == [(i // 2, draw_side(scale, 0, i // 2, 12)) for i in range(24)]
    assert len({side for _, side, _ in whole}) > 2
    assert [side for step, side, _ in whole if step > 9] == [160] * 4
    last = "checkpoints/demo/plain/last.ckpt"
    weights = torch.load(last, weights_only=True)["state_dict"]

    # Stopped by hand, and not by max_epochs: how long the training is must be known from the beginning.
    (workplace / "stop.yaml").write_text("trainer: {callbacks+: {class_path: size_recorder.Stop}}")
    worker = ("--data.workers", "1")
    assert dfc(*run, *worker, "-c", "stop.yaml")[0] == 0
    half = recorded()
    assert half == whole[:12]
    assert dfc(*run, *worker, "--ckpt_path", "last")[0] == 0
    assert [*half, *recorded()] == whole
    resumed = torch.load(last, weights_only=True)["state_dict"]
    assert all(torch.equal(resumed[name], tensor) for name, tensor in weights.items())
