"""Read and write Darknet's ``.weights``.

The file is a header (int32 major, minor, revision, then the number of pictures seen) and float32 values, for each
convolution in turn: biases; with batch norm its scales, means and variances; weights (filters, channels / groups,
size, size). A ``[batchnorm]`` has biases, scales, means and variances, a ``[shortcut]`` with ``weights_type=`` its
weights. Source: Darknet's ``src/parser.c`` (``load_weights_upto``, ``save_weights_upto``).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from itertools import accumulate, chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from lightning_app.darknet.layers import BatchNorm, Convolution, WeightedShortcut
from lightning_app.errors import WeightsError
from lightning_app.text_lines import LFS_POINTER

if TYPE_CHECKING:
    from lightning_app.darknet.network import Network  # which imports this module

Stored = Convolution | BatchNorm | WeightedShortcut
"""The layers that have values of their own."""


def load_weights(network: Network, path: str | Path) -> list[str]:
    """Fill a network from a ``.weights`` file. A file that ends between two layers fills those before it.

    Returns:
        the names of the layers with weights that the file does not reach; they keep their values.

    Raises:
        WeightsError: the file cannot be read, or its floats do not end where a layer of the network ends.
    """
    path = Path(path)
    layers = stored_tensors(network)
    ends = [0, *accumulate(sum(tensor.numel() for tensor in tensors) for tensors in layers.values())]
    version, seen, values = _read(path, ends)
    reached = ends.index(len(values))
    for tensors, start, end in zip(list(layers.values())[:reached], ends, ends[1:], strict=False):
        _fill(tensors, values[start:end])
    network.version = version
    network.seen = seen
    return list(layers)[reached:]


def save_weights(network: Network, path: str | Path, upto: int | None = None) -> None:
    """Write a network as a ``.weights`` file that Darknet reads, with the version that it was loaded with.

    Args:
        network: any.
        path: to write to.
        upto: write the layers of lower indices alone, with no pictures seen, to start another network from
            (``src/darknet.c``, ``partial``); null for all.
    """
    seen = struct.pack("<Q" if _wide(network.version) else "<I", network.seen if upto is None else 0)
    with Path(path).open("wb") as file:
        file.write(struct.pack("<3i", *network.version) + seen)
        for tensor in chain.from_iterable(stored_tensors(network, upto).values()):
            file.write(tensor.detach().cpu().numpy().astype("<f4").tobytes())


def stored_tensors(network: Network, upto: int | None = None) -> dict[str, list[Tensor]]:
    """What a ``.weights`` file holds of each layer that has values in it, in the order of the file.

    A convolution with the weights of another one has none.

    Args:
        network: any.
        upto: of the layers of lower indices alone; None for all.
    """
    nodes = [node for node in network.nodes if upto is None or node.index < upto]
    layers = {node.name: network.layers[node.name] for node in nodes}
    return {
        name: _tensors(layer)
        for name, layer in layers.items()
        if isinstance(layer, Stored) and not (isinstance(layer, Convolution) and layer.shares)
    }


def _read(path: Path, ends: Sequence[int]) -> tuple[tuple[int, int, int], int, npt.NDArray[np.float32]]:
    """Version, pictures seen, and the floats, of which there must be one of the numbers ``ends``."""
    try:
        with path.open("rb") as file:
            data, size = file.read(20), os.fstat(file.fileno()).st_size
            if data.startswith(LFS_POINTER):
                raise WeightsError(
                    f"{path} is a pointer of Git LFS and holds no weights: fetch the file itself, by `git lfs pull` in "
                    "its repository or from its page there"
                )
            if data.lstrip().lower().startswith((b"<!doctype html", b"<html")):
                raise WeightsError(
                    f"{path} is a page of the web and holds no weights: open it in a browser and fetch the file itself"
                )
            if data.startswith(b"PK\3\4"):
                raise WeightsError(
                    f"{path} is a zip or a file of PyTorch's and no Darknet weights: unpack or convert it"
                )
            if len(data) < 16:
                raise WeightsError(f"{path} is too short for Darknet weights: {len(data)} bytes")
            version = struct.unpack_from("<3i", data)
            wide = _wide(version)
            start = 20 if wide else 16
            count, rest = divmod(size - start, 4)
            if count < 0 or rest:
                raise WeightsError(f"{path} is cut off: its {size} bytes are no whole number of float32 values")
            if count not in ends:  # before they are read: there may be any number
                cut = "is cut off, or it " if count < ends[-1] else ""
                raise WeightsError(
                    f"{path} holds {count:,} floats and the network needs {ends[-1]:,}: it {cut}was made for another "
                    ".cfg. To start a network of other classes from it, take only its first layers: "
                    "`dfc weights convert --upto`"
                )
            file.seek(start)
            values = np.frombuffer(file.read(4 * count), "<f4")
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error.strerror}; check --model.weights") from error
    (seen,) = struct.unpack_from("<Q" if wide else "<I", data, 12)
    return version, seen, values


def _wide(version: tuple[int, ...]) -> bool:
    """Whether the number of pictures seen takes eight bytes instead of four."""
    major, minor, _ = version
    return major * 10 + minor >= 2 and major < 1000 and minor < 1000


def _tensors(layer: Stored) -> list[Tensor]:
    """In the order of the file."""
    if isinstance(layer, WeightedShortcut):
        return [layer.weights]
    normed = [] if not isinstance(layer.norm, nn.BatchNorm2d) else _normed(layer.norm)
    if isinstance(layer, BatchNorm):
        return normed
    if normed:
        return [*normed, layer.conv.weight]
    assert layer.conv.bias is not None
    return [layer.conv.bias, layer.conv.weight]


def _normed(norm: nn.BatchNorm2d) -> list[Tensor]:
    assert norm.running_mean is not None
    assert norm.running_var is not None
    return [norm.bias, norm.weight, norm.running_mean, norm.running_var]


@torch.no_grad()
def _fill(tensors: Sequence[Tensor], values: npt.NDArray[np.float32]) -> None:
    position = 0
    for tensor in tensors:
        part = values[position : position + tensor.numel()]
        tensor.copy_(torch.from_numpy(part.copy()).reshape(tensor.shape))
        position += tensor.numel()
