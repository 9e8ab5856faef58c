"""A network in a checkpoint of ours, and a network filled from a file, whichever of our two kinds it is."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lightning_app.checkpoint_file import read_checkpoint
from lightning_app.darknet import Network
from lightning_app.errors import OptionError, WeightsError
from lightning_app.graph import SplitDetector
from lightning_app.transforms import FeatureTransform
from lightning_app.transforms.found import unfound

PREFIX = "network."
"""Where a Detector's checkpoint keeps its network."""
TRANSFORM = "system.channel.transform."
"""Where it keeps the feature transform, if it has one."""
CRITERION = "criterion."
"""Where it keeps parameters of the criterion, if there are any."""
OPTIONS = {TRANSFORM: "channel.transform", CRITERION: "criterion"}
"""The options of ``--model`` that these two parts belong to."""
CROSSING = "crossing"
"""Where it keeps the names of the layers whose features its transform takes."""
LEAST_VARIANCE = -1e-5
"""A variance at or below it leaves no root for batch norm, whose eps is 1e-5. Some published ones are just below 0."""


def load_model(network: SplitDetector, path: Path, transform: FeatureTransform | None = None) -> list[str]:
    """Load a checkpoint (``.ckpt``), or a file of the network's own format, such as Darknet ``.weights``.

    Args:
        network: to fill.
        path: of the file.
        transform: of the network's channel, to fill too; None where there is none.

    Returns:
        sentences for the user: on layers that a short file left out, and on a transform that the file lacks or has in
        addition.

    Raises:
        WeightsError: the file cannot be read, does not fit, or has values with which nothing can be computed.
    """
    state: dict[str, Tensor] = {}
    told = []
    if path.suffix == ".ckpt":
        checkpoint = read_checkpoint(path)
        fill(network, checkpoint, str(path))
        check_crossing(checkpoint, transform, str(path))
        state = checkpoint["state_dict"]
    elif missing := network.load_weights(path):
        told.append(f"{path} ends before {', '.join(missing)}: the layers named here keep their initial values.")
    own = {} if transform is None else {TRANSFORM + name: value for name, value in transform.state_dict().items()}
    told.append(match_part(state, own, TRANSFORM, str(path)))
    if transform is not None:
        transform.load_state_dict({name.removeprefix(TRANSFORM): state[name] for name in own})
        if missing := unfound(transform):
            told[-1] = f"{path} holds no values of {', '.join(missing)}."
    _check_sound(network, transform, path)
    return [sentence for sentence in told if sentence]


def _check_sound(network: SplitDetector, transform: FeatureTransform | None, path: Path) -> None:
    own = {} if transform is None else transform.state_dict()
    spoilt = _spoilt(network) or [f"{name} of the transform" for name in own if _is_spoilt({name: own[name]})]
    if spoilt:
        raise WeightsError(
            f"{path} has values in {', '.join(spoilt)} that are NaN or infinite, or variances below -1e-5: "
            "it is damaged, or its training failed; `dfc weights inspect` counts them"
        )


def check_found(transform: FeatureTransform | None, source: str) -> None:
    """Raise `WeightsError` where a transform has not found its values, and nothing can be sent through it.

    Args:
        transform: that was filled from a file; None for none.
        source: what to call the file.
    """
    missing = [] if transform is None else unfound(transform)
    if missing:
        raise WeightsError(
            f"{source} holds no values of {', '.join(missing)}: write a checkpoint that has them by `dfc fit` with the "
            "same transform. If nothing is to be trained, add --model.learning_rate 0 --model.frozen_statistics true "
            "--trainer.max_steps 1"
        )


def check_untransformed(path: Path) -> None:
    """Raise `OptionError` where weights were trained with a transform, and are to be measured with others.

    Args:
        path: of the weights; a file that is no checkpoint has no transform.
    """
    if path.suffix == ".ckpt" and any(name.startswith(TRANSFORM) for name in read_checkpoint(path)["state_dict"]):
        raise OptionError(
            f"{path} was trained with a transform, and --transforms would measure it with others: leave the option out "
            "and give that transform as --model.channel.transform, or give weights that were trained without one"
        )


def check_crossing(checkpoint: Mapping[str, Any], transform: FeatureTransform | None, source: str) -> None:
    """Raise `WeightsError` where a checkpoint's transform was trained for the features of other layers.

    Args:
        checkpoint: as `read_checkpoint` gives it; those of earlier versions do not say for which.
        transform: that is to be filled; None where there is none.
        source: what to call the checkpoint.
    """
    trained = checkpoint.get(CROSSING)
    needed = None if transform is None or transform.shapes is None else list(transform.shapes)
    if trained and needed and trained != needed:
        raise WeightsError(
            f"{source} has a transform that was trained for the features of {', '.join(trained)}, and the split sends "
            f"those of {', '.join(needed)}: give --model.channel.split {trained[0]}, or other weights"
        )


def match_part(state: dict[str, Tensor], own: Mapping[str, Tensor], prefix: str, source: str) -> str:
    """Make one part of a checkpoint's state fit a Detector, which may lack the part, or have it in addition.

    Args:
        state: of the checkpoint; changed in place.
        own: the Detector's state.
        prefix: `TRANSFORM` or `CRITERION`.
        source: what to call the checkpoint.

    Returns:
        a sentence for the user where the two differ, or nothing.

    Raises:
        WeightsError: both have the part, and the two do not fit.
    """
    part = prefix.rstrip(".").rpartition(".")[2]
    given = {name: tensor.shape for name, tensor in state.items() if name.startswith(prefix)}
    needed = {name: tensor for name, tensor in own.items() if name.startswith(prefix)}
    if given == {name: tensor.shape for name, tensor in needed.items()}:
        return ""
    if given and needed:
        where = ", at the split that it was trained at," if prefix == TRANSFORM else ","
        raise WeightsError(
            f"{source} holds another {part}: give the one that it was trained with{where} or other weights"
        )
    put_own(state, own, prefix)
    if given:
        return (
            f"{source} was trained with a {part}, which is left out here. To use it, give the config of its training "
            f"too, such as `-c distil`, or the same --model.{OPTIONS[prefix]}."
        )
    return f"{source} holds no {part}: it keeps its initial values."


def put_own(state: dict[str, Tensor], own: Mapping[str, Tensor], prefix: str) -> None:
    """Put a Detector's own state under a prefix into that of a checkpoint, in the place of what stands there."""
    for name in [name for name in state if name.startswith(prefix)]:
        del state[name]
    state.update({name: tensor for name, tensor in own.items() if name.startswith(prefix)})


def _spoilt(network: SplitDetector) -> list[str]:
    """Names of the layers that would give NaN or infinite samples; of what belongs to no layer, its own."""
    layers = [node.name for node in network.nodes if _is_spoilt(network.layer(node).state_dict())]
    return layers or [name for name, tensor in network.state_dict().items() if _is_spoilt({name: tensor})]


def _is_spoilt(state: Mapping[str, Tensor]) -> bool:
    return any(
        not bool(torch.isfinite(tensor).all())
        or (name.endswith("running_var") and bool((tensor <= LEAST_VARIANCE).any()))
        for name, tensor in state.items()
    )


def fill(network: SplitDetector, checkpoint: Mapping[str, Any], source: str) -> None:
    """Fill a network from a checkpoint.

    Args:
        network: to fill.
        checkpoint: as `read_checkpoint` gives it.
        source: what to call it.

    Raises:
        WeightsError: it is another network's.
    """
    network.load_state_dict(network_state(network, checkpoint["state_dict"], source))
    network.seen = checkpoint["seen"]
    if isinstance(network, Network):
        major, minor, revision = checkpoint.get("darknet_version", network.version)
        network.version = (major, minor, revision)


def save_checkpoint(network: Network, path: Path, cfg: Path) -> None:
    """Write a network as a checkpoint without a trainer's state: to start from, or to test.

    Args:
        network: to write.
        path: of the checkpoint.
        cfg: that the network is made from; kept as the Detector's hyperparameter.
    """
    checkpoint = {
        "pytorch-lightning_version": version("pytorch-lightning"),
        "hyper_parameters": {"network": str(cfg)},
        "state_dict": {PREFIX + name: tensor for name, tensor in network.state_dict().items()},
        "seen": network.seen,
        "darknet_version": network.version,
    }
    with path.open("wb") as file:  # by a path torch reports a full disk as a RuntimeError
        torch.save(checkpoint, file)


def network_state(network: SplitDetector, state: Mapping[str, Tensor], source: str) -> dict[str, Tensor]:
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
            f"{source} holds {_size(given)} and the network needs {_size(needed)}: it was made for another .cfg. "
            "Give that .cfg, or other weights"
        )
    return given


def _size(state: Mapping[str, Tensor]) -> str:
    return f"{sum(tensor.numel() for tensor in state.values()):,} values in {len(state)} tensors"
