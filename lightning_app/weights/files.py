"""Weights files: read either kind into its network, and write new files whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from lightning_app.checkpoint import fill
from lightning_app.checkpoint_file import read_checkpoint
from lightning_app.darknet import Network, load_weights
from lightning_app.errors import OptionError, WeightsError
from lightning_app.shipped import find_network


class LoadedWeights(NamedTuple):
    """What a weights file gave.

    Attributes:
        network: filled from it.
        cfg: that the network is made from.
        missing: names of the convolutions that a short Darknet file does not reach.
    """

    network: Network
    cfg: Path
    missing: list[str]

    def check_reaches(self, path: Path, upto: int) -> None:
        """Raise `WeightsError` where the file, at ``path``, lacks one of the layers before number ``upto``."""
        lacking = [name for name in self.missing if self.network.node(name).index < upto]
        if lacking:
            raise WeightsError(f"{path} ends before {', '.join(lacking)}; train from it first, or ask for fewer layers")


def is_checkpoint(path: Path) -> bool:
    """Whether a file is a checkpoint of ours; any other name is Darknet's (``.weights``, ``.conv.23``)."""
    return path.suffix == ".ckpt"


def read(path: Path, cfg: Path | None) -> LoadedWeights:
    """Fill the network of a weights file.

    Args:
        path: Darknet ``.weights`` or a checkpoint.
        cfg: of the network; None for the one that a checkpoint was trained with.

    Raises:
        WeightsError: the file cannot be read or does not fit the network.
        OptionError: the network is not given and not to be found.
        CfgError: the network is not supported.
    """
    if not path.is_file():
        raise WeightsError(f"{path} is not there; give a Darknet .weights or a checkpoint")
    if not is_checkpoint(path):
        if cfg is None:
            raise OptionError(f"{path} does not say which network it fills; give its .cfg as --network")
        network = Network.from_cfg(cfg)
        return LoadedWeights(network, cfg, load_weights(network, path))
    checkpoint = read_checkpoint(path)
    cfg = cfg or _trained_with(checkpoint, path)
    network = Network.from_cfg(cfg)
    fill(network, checkpoint, str(path))
    return LoadedWeights(network, cfg, [])


def _trained_with(checkpoint: Mapping[str, Any], path: Path) -> Path:
    name = checkpoint.get("hyper_parameters", {}).get("network")
    cfg = find_network(name) if isinstance(name, str) else Path()
    # Only a .cfg: a stranger's checkpoint must not have other files read, whose lines an error would print.
    if cfg.suffix != ".cfg" or not cfg.is_file():
        stated = f"fills {name}, which is not there" if cfg.suffix == ".cfg" else "does not say which network it fills"
        raise OptionError(f"{path} {stated}; give its .cfg as --network")
    return cfg


def refuse_to_overwrite(path: Path) -> None:
    """Raise `OptionError` where a file is already."""
    if path.exists():
        raise OptionError(f"{path} is already there and is not overwritten; move it away or give another name")


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """Give a path beside ``path`` to write to, which takes its name once the writing has succeeded.

    Raises:
        OptionError: the file cannot be written.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield part
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise OptionError(f"{path} cannot be written: {error.strerror}; choose another place") from error
