"""Fill a network from a file, whichever of our two kinds it is."""

from __future__ import annotations

import pickle
from pathlib import Path

import torch
from pytorch_lightning.utilities import rank_zero_info

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
        state = torch.load(path, map_location="cpu", weights_only=True)["state_dict"]
    except (OSError, RuntimeError, KeyError, EOFError, pickle.UnpicklingError) as error:
        raise WeightsError(f"{path} is no checkpoint of this program: {error}") from error
    own = {name.removeprefix(PREFIX): tensor for name, tensor in state.items() if name.startswith(PREFIX)}
    try:
        network.load_state_dict(own)
    except RuntimeError as error:
        raise WeightsError(f"{path} was made for another .cfg: {error}") from error
