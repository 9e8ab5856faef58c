"""The optimiser and the schedule of its learning rate are options, and a run resumes with them to the same bits."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR

from lightning_app.darknet import Network
from lightning_app.errors import OptionError
from lightning_app.optimizer import make_optimizer, make_schedule

Dfc = Callable[..., Any]
LAST = "checkpoints/demo/plain/last.ckpt"
ADAMW = ("--model.optimizer", "adamw", "--model.schedule", "cosine", "--model.learning_rate", "1e-4")
DISTILLED = ("--model.criterion", "Distillation", "--model.channel.split", "max_5", "--model.channel.qps", "[32,42]")
STOP = """
import os, signal
from pytorch_lightning import Callback

class StopInStepFour(Callback):
    def on_train_batch_start(self, trainer, *_):
        if trainer.global_step == 3:
            os.kill(os.getpid(), signal.SIGINT)
"""
SHAPES = Path(__file__).parents[1] / "configs/networks/shapes.cfg"
OPTIONS = {
    "optimizer": "adamw", "learning_rate": 0.01, "momentum": 0.9, "weight_decay": 0.1,
    "schedule": "cosine", "burn_in": 0, "steps": (), "step_scale": 0.1,
}  # fmt: skip


def rates(schedule: Any, steps: int) -> list[float]:
    """The learning rate at each step."""
    found = []
    for _ in range(steps):
        found.append(schedule.get_last_lr()[0])
        schedule.optimizer.step()
        schedule.step()
    return found


def test_half_a_cosine_is_torchs_own() -> None:
    ours, theirs = (make_optimizer(nn.Conv2d(1, 1, 1).parameters(), OPTIONS) for _ in range(2))
    expected = rates(CosineAnnealingLR(theirs, T_max=20), 20)
    assert rates(make_schedule(ours, OPTIONS, 20), 20) == pytest.approx(expected)
    assert expected[0] == 0.01
    assert 0 < expected[-1] < 1e-4


def test_the_burn_in_is_darknets_also_before_half_a_cosine() -> None:
    optimizer = make_optimizer(nn.Conv2d(1, 1, 1).parameters(), OPTIONS)
    found = rates(make_schedule(optimizer, OPTIONS | {"burn_in": 10}, 20), 20)
    assert found[4] == pytest.approx(0.01 * 0.5**4 * (1 + math.cos(math.pi * 4 / 20)) / 2)
    assert max(found) == found[9]


def test_only_the_weights_of_convolutions_decay() -> None:
    module = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2))
    for algorithm in ("sgd", "adamw"):
        kernels, others = make_optimizer(module.parameters(), OPTIONS | {"optimizer": algorithm}).param_groups
        assert (kernels["weight_decay"], others["weight_decay"]) == (0.1, 0)
        assert [len(kernels["params"]), len(others["params"])] == [1, 3]


def test_half_a_cosine_of_a_run_without_an_end_is_refused() -> None:
    optimizer = make_optimizer(nn.Conv2d(1, 1, 1).parameters(), OPTIONS)
    with pytest.raises(OptionError, match=r"the schedule cosine needs the run's end: set trainer\.max_steps"):
        make_schedule(optimizer, OPTIONS, math.inf)


def state(path: str) -> dict[str, torch.Tensor]:
    return dict(torch.load(path, weights_only=True)["state_dict"])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*does not have many workers")
def test_a_distillation_by_adamw_resumes_to_the_bits_of_one_that_was_not_stopped(
    dfc: Dfc, tiny: tuple[str, ...], one_epoch: str
) -> None:
    Path(one_epoch).rename("start.ckpt")
    run = ("fit", *tiny, *DISTILLED, *ADAMW, "--model.weights", "start.ckpt", "--model.frozen_statistics", "true")
    status, _, err = dfc(*run)
    assert status == 0, err
    whole, start = state(LAST), state("start.ckpt")
    Path("checkpoints").rename("whole")
    Path("stop_in_step_four.py").write_text(STOP)
    status, _, err = dfc(*run, "--trainer.callbacks+=stop_in_step_four.StopInStepFour")
    assert status == 130
    assert "step 4 is done" in err
    status, _, err = dfc(*run, "--ckpt_path", "last")
    assert status == 0, err
    for name, tensor in state(LAST).items():
        assert torch.equal(whole[name], tensor), name
    changed = {name for name, tensor in whole.items() if not torch.equal(start[name], tensor)}
    assert changed == {f"network.{name}" for name, _ in Network.from_cfg(SHAPES).named_parameters()}  # no statistics


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*does not have many workers")
def test_a_run_of_another_optimiser_is_not_resumed(dfc: Dfc, tiny: tuple[str, ...], one_epoch: str) -> None:
    status, _, err = dfc("fit", *tiny, *ADAMW, "--ckpt_path", one_epoch)
    assert status == 2
    assert "the run to resume began with another optimizer: set model.optimizer so" in err.splitlines()[-1]
