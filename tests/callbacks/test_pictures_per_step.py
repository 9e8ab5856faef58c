"""A step takes the same pictures on any number of devices, or the run is refused."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lightning_app.callbacks import PicturesPerStep
from lightning_app.callbacks.pictures_per_step import count_batches
from lightning_app.data import EpochSampler, MultiScale
from lightning_app.data.multi_scale import draw_side
from lightning_app.errors import OptionError


def trainer(batch_size: int = 8, devices: int = 1, accumulated: int = 1) -> Any:
    data = SimpleNamespace(batch_size=batch_size)
    return SimpleNamespace(datamodule=data, world_size=devices, accumulate_grad_batches=accumulated)


@pytest.mark.parametrize(
    ("batch_size", "devices", "batches"),
    [(8, 1, 8), (8, 2, 4), (8, 4, 2), (8, 8, 1), (4, 16, 1), (1, 1, 64), (64, 1, 1)],
)
def test_64_pictures_are_made_of_whole_batches(batch_size: int, devices: int, batches: int) -> None:
    assert count_batches(64, batch_size, devices) == batches
    run = trainer(batch_size, devices)
    PicturesPerStep().setup(run, None, "fit")  # type: ignore[arg-type]
    assert run.accumulate_grad_batches == batches


@pytest.mark.parametrize(
    ("batch_size", "devices", "remedy"),
    [
        (8, 3, "of 8 on 3 device(s): --trainer.devices 1, 2, 4 or 8"),
        (8, 16, "of 8 on 16 device(s): --trainer.devices 1, 2, 4 or 8 or --data.batch_size 1, 2 or 4"),
        (8, 64, "of 8 on 64 device(s): --trainer.devices 1, 2, 4 or 8 or --data.batch_size 1"),
        (12, 2, "of 12 on 2 device(s): --data.batch_size 1, 2, 4, 8, 16 or 32"),
        (12, 3, "of 12 on 3 device(s): choose two whose product divides it"),
    ],
)
def test_what_does_not_divide_is_refused_with_what_does(batch_size: int, devices: int, remedy: str) -> None:
    with pytest.raises(OptionError) as caught:
        PicturesPerStep().setup(trainer(batch_size, devices), None, "fit")  # type: ignore[arg-type]
    assert str(caught.value) == f"64 pictures a step cannot be made of batches {remedy}"


def test_another_accumulation_is_refused_and_the_same_is_not() -> None:
    with pytest.raises(OptionError, match="accumulate_grad_batches 2 does not make the 64 pictures a step"):
        PicturesPerStep().setup(trainer(accumulated=2), None, "fit")  # type: ignore[arg-type]
    again = trainer(accumulated=8)
    PicturesPerStep().setup(again, None, "fit")  # type: ignore[arg-type]
    assert again.accumulate_grad_batches == 8


def test_testing_is_not_concerned() -> None:
    run = trainer(devices=3)
    PicturesPerStep().setup(run, None, "test")  # type: ignore[arg-type]
    assert run.accumulate_grad_batches == 1


def test_no_pictures_are_refused_at_construction() -> None:
    with pytest.raises(OptionError, match="pictures must be at least 1, not 0"):
        PicturesPerStep(0)


RECORDER = """
import json
from pytorch_lightning import Callback

class Recorder(Callback):
    def on_train_batch_start(self, trainer, module, batch, batch_idx):
        indices = [target["index"] for target in batch["targets"]]
        with open(f"steps.{trainer.global_rank}.jsonl", "a") as file:
            print(json.dumps([trainer.global_step, batch["images"].shape[2], indices]), file=file)
"""
CALLBACKS = """
trainer:
  callbacks+:
    - {class_path: lightning_app.callbacks.PicturesPerStep, init_args: {pictures: 8}}
    - {class_path: step_recorder.Recorder}
"""


def recorded(rank: int) -> list[tuple[int, int, list[int]]]:
    """(step, side, pictures) of each batch of a rank."""
    return [tuple(json.loads(line)) for line in Path(f"steps.{rank}.jsonl").read_text().splitlines()]


@pytest.mark.slow
def test_two_ranks_share_the_pictures_and_sizes_of_one_ranks_steps(
    tiny: tuple[str, ...], workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """24 pictures, twice, in steps of 8: two batches of two on each of two ranks."""
    (workplace / "step_recorder.py").write_text(RECORDER)
    (workplace / "record.yaml").write_text(CALLBACKS)
    monkeypatch.setenv("PYTHONPATH", str(workplace), prepend=os.pathsep)
    scale = ("--data.multi_scale.every", "1", "--data.multi_scale.smallest", "64", "--data.multi_scale.largest", "128")
    two = ("--trainer.devices", "2", "--trainer.strategy", "ddp", "--data.batch_size", "2")
    command = [sys.executable, "-m", "lightning_app", "fit", *tiny, "-c", "record.yaml", *scale, *two]
    result = subprocess.run([*command, "--data.multi_scale.finish", "0"], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    sizes = MultiScale(every=1, smallest=64, largest=128, finish=0)
    for epoch in range(2):
        alone = EpochSampler(24, 8)
        alone.set_epoch(epoch)
        order = [key.index for key in alone]
        for step in range(3 * epoch, 3 * epoch + 3):
            batches = [row for rank in range(2) for row in recorded(rank) if row[0] == step]
            assert [len(indices) for _, _, indices in batches] == [2, 2, 2, 2]
            assert {side for _, side, _ in batches} == {draw_side(sizes, 0, step, None)}
            first = 8 * (step - 3 * epoch)
            assert sorted(index for _, _, indices in batches for index in indices) == sorted(order[first : first + 8])
