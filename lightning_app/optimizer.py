"""The optimiser of a run, and how its learning rate changes from step to step."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Literal

from torch import nn
from torch.optim import SGD, AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR

from lightning_app.errors import OptionError
from lightning_app.schedule import cosine_factor, rate_factor

Algorithm = Literal["sgd", "adamw"]
Schedule = Literal["steps", "cosine"]


def make_optimizer(parameters: Iterable[nn.Parameter], options: Mapping[str, Any]) -> Optimizer:
    """The optimiser; only the weights of convolutions decay, as in Darknet.

    Args:
        parameters: what is trained.
        options: the Detector's ``optimizer``, ``learning_rate``, ``momentum`` and ``weight_decay``.
    """
    trained = list(parameters)
    kernels = [parameter for parameter in trained if parameter.ndim == 4]
    others = [parameter for parameter in trained if parameter.ndim != 4]
    groups = [{"params": kernels, "weight_decay": options["weight_decay"]}, {"params": others, "weight_decay": 0.0}]
    if options["optimizer"] == "adamw":
        return AdamW(groups, options["learning_rate"])
    return SGD(groups, options["learning_rate"], options["momentum"])


def make_schedule(optimizer: Optimizer, options: Mapping[str, Any], total: float) -> LambdaLR:
    """The learning rate as a function of the step.

    Args:
        optimizer: whose learning rate it is.
        options: the Detector's ``schedule``, ``burn_in``, ``steps`` and ``step_scale``.
        total: steps of the whole run; infinite where it has no end.

    Raises:
        OptionError: half a cosine has no end to reach.
    """
    return LambdaLR(optimizer, partial(_at, factor=_factor(options, total)))


def _factor(options: Mapping[str, Any], total: float) -> Callable[[int], float]:
    """By the number of the step, from 1."""
    if options["schedule"] == "steps":
        return partial(rate_factor, burn_in=options["burn_in"], steps=options["steps"], scale=options["step_scale"])
    if not math.isfinite(total):
        raise OptionError("the schedule cosine needs the run's end: set trainer.max_steps or trainer.max_epochs")
    return partial(cosine_factor, burn_in=options["burn_in"], total=int(total))


def _at(step: int, factor: Callable[[int], float]) -> float:
    return factor(step + 1)
