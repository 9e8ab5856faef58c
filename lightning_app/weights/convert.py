"""Convert between Darknet's ``.weights`` and checkpoints of ours, bit for bit."""

from __future__ import annotations

from pathlib import Path

from lightning_app.checkpoint import save_checkpoint
from lightning_app.darknet import save_weights
from lightning_app.errors import OptionError
from lightning_app.weights.files import is_checkpoint, read, refuse_to_overwrite, writing


def convert(source: Path, target: Path, cfg: Path | None, upto: int | None) -> None:
    """Write the weights of one file as another; their names say the kinds.

    Args:
        source: Darknet ``.weights`` or a checkpoint.
        target: the same; it must not be there yet.
        cfg: of the network; None for the one that a checkpoint was trained with.
        upto: write the layers before Darknet's number ``upto`` alone, with no pictures seen, as its command ``partial``
            does (``examples/darknet.c``).

    Raises:
        OptionError: the options do not fit together, or the target cannot be written.
        WeightsError: the source cannot be read, does not fit the network, or lacks layers that are asked for.
    """
    _check_kinds(source, target, upto)
    refuse_to_overwrite(target)
    loaded = read(source, cfg)
    layers = len(loaded.network.nodes)
    if upto is not None and not 1 <= upto <= layers:
        raise OptionError(f"--upto must be from 1 to {layers}, the network's number of layers, not {upto}")
    loaded.check_reaches(source, layers if upto is None else upto)
    with writing(target) as part:
        if is_checkpoint(target):
            save_checkpoint(loaded.network, part, loaded.cfg)
        else:
            save_weights(loaded.network, part, upto)


def _check_kinds(source: Path, target: Path, upto: int | None) -> None:
    if upto is not None and is_checkpoint(target):
        raise OptionError("a checkpoint holds the whole network: give --upto with Darknet weights, or leave it out")
    if upto is None and is_checkpoint(source) == is_checkpoint(target):
        remedy = f"{target.with_suffix('.weights')}" if is_checkpoint(source) else f"{target.name}.ckpt, or give --upto"
        raise OptionError(f"{source} and {target} are of one kind: name the target {remedy}")
