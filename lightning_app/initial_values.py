"""The values that a transform takes from training images, before a training or a measurement."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import torch
import torch.distributed
from pytorch_lightning.utilities import rank_zero_info

from lightning_app.errors import DataError, OptionError
from lightning_app.progress import working
from lightning_app.systems import Collaborative
from lightning_app.transforms.examples import IMAGES, FeatureExamples
from lightning_app.transforms.found import unfound


def find_values(
    system: Collaborative,
    loader: Callable[[], Iterable[Mapping[str, object]]],
    device: torch.device,
    training: bool = False,
) -> None:
    """Let the transform of a system choose its initial values, unless a checkpoint has brought them.

    Args:
        system: that cuts the network.
        loader: gives batches of training images, the same on every rank.
        device: on which the network runs.
        training: a training begins, before which every transform is asked. Before a measurement, only one is that
            cannot be measured without its values.

    Raises:
        OptionError: there are no training images.
    """
    transform = system.channel.transform
    if transform is None:
        return
    missing = ", ".join(unfound(transform))
    if not (training or missing):
        return
    wire = system.wire
    try:
        with working(f"Finding the values of {transform}", shown=_is_first()):
            transform.initialise(FeatureExamples(system.network, wire.split, wire.passthrough, loader, device))
    except DataError as error:
        raise OptionError(
            f"{missing or transform} finds its values on training pictures, and there are none: {error}. Name some "
            "with --data.train, or give a checkpoint that holds the values as --model.weights"
        ) from error
    if missing:
        rank_zero_info(f"{missing}: the values were found on training pictures, {IMAGES} at most.")


def _is_first() -> bool:
    """Whether this process is the only one, or the first of several."""
    return not torch.distributed.is_initialized() or torch.distributed.get_rank() == 0
