"""Fill a network from a file, whichever of our two kinds it is."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from pytorch_lightning.utilities import rank_zero_info
from torch import Tensor

from lightning_app.darknet import Network, load_weights
from lightning_app.errors import WeightsError

PREFIX = "network."
"""Where a Detector's checkpoint keeps its network."""


def load_network(network: Network, path: Path) -> None:
    """Load a Lightning checkpoint (``.ckpt``) or Darknet ``.weights``, and say which layers a short file left out.

    Raises:
        WeightsError: the file cannot be read or does not fit the network.
    """
    if path.suffix == ".ckpt":
        _load_checkpoint(network, path)
        return
    missing = load_weights(network, path)
    if missing:
        rank_zero_info(f"{path} ends before {', '.join(missing)}: these keep their initial values.")


def _load_checkpoint(network: Network, path: Path) -> None:
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
        state, seen = checkpoint["state_dict"], checkpoint["seen"]
    except (OSError, RuntimeError, KeyError, EOFError, pickle.UnpicklingError) as error:
        raise WeightsError(f"{path} is no checkpoint of this program: {error}") from error
    network.load_state_dict(network_state(network, state, str(path)))
    network.seen = seen


def network_state(network: Network, state: Mapping[str, Tensor], source: str) -> dict[str, Tensor]:
    """The part of a Detector's state that is its network's.

    Args:
        network: that it must fit.
        state: the ``state_dict`` of a checkpoint.
        source: what to call the checkpoint.

    Raises:
        WeightsError: it is another network's; the message has both counts.
    """
    given = {name.removeprefix(PREFIX): tensor for name, tensor in state.items() if name.startswith(PREFIX)}
    needed = network.state_dict()
    if {name: tensor.shape for name, tensor in given.items()} != {
        name: tensor.shape for name, tensor in needed.items()
    }:
        raise WeightsError(
            f"{source} holds {_size(given)} and the network needs {_size(needed)}: made for another .cfg"
        )
    return given


def _size(state: Mapping[str, Tensor]) -> str:
    return f"{sum(tensor.numel() for tensor in state.values()):,} values in {len(state)} tensors"
