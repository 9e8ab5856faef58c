"""A resumed run ignores another learning rate, momentum or weight decay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytorch_lightning.utilities import rank_zero_info

from lightning_app.errors import WeightsError

OPTIONS = {"initial_lr": "learning_rate", "momentum": "momentum", "weight_decay": "weight_decay"}
"""Keys of an optimiser's parameter groups, and the Detector's options that they come from."""


def take_over_options(checkpoint: dict[str, Any], configured: Mapping[str, Any]) -> None:
    """Put the run's own options into the states of optimiser and schedule, and say what has changed.

    Seen in Lightning 2.6.6 with torch 2.13: the states in the checkpoint hold the options of the earlier run and
    overwrite those of this one, whose config says otherwise. This can go when a restored state keeps what the optimiser
    was made with. The rates are worked out anew as LambdaLR does it: the same options give the same bits.

    Args:
        checkpoint: to resume, with the states of one optimiser and one LambdaLR; they are changed.
        configured: what ``configure_optimizers`` gives in this run.
    """
    groups, state = checkpoint["optimizer_states"][0]["param_groups"], checkpoint["lr_schedulers"][0]
    changes = {}
    for group, own in zip(groups, configured["optimizer"].param_groups, strict=True):
        if group.keys() != own.keys():
            raise WeightsError(
                "the run to resume began with another optimizer: set model.optimizer so, or give its checkpoint as "
                "model.weights and no ckpt_path"
            )
        for key, option in OPTIONS.items():
            if key in own and group[key] != own[key]:
                changes[option] = f"{option} {own[key]:g} takes the place of the checkpoint's {group[key]:g}"
                group[key] = own[key]
    for group, factor in zip(groups, configured["lr_scheduler"]["scheduler"].lr_lambdas, strict=True):
        group["lr"] = group["initial_lr"] * factor(state["last_epoch"])
    state["base_lrs"] = [group["initial_lr"] for group in groups]
    state["_last_lr"] = [group["lr"] for group in groups]
    for sentence in changes.values():
        rank_zero_info(sentence)
