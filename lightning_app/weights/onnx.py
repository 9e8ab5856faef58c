"""Export a network as ONNX: whole, or its front and its back as two files that meet at the crossing tensors."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import torch
from torch.export import Dim

from lightning_app.errors import OptionError
from lightning_app.graph import IMAGE, Part, Passthrough, SplitDetector
from lightning_app.weights.files import refuse_to_overwrite, writing

OPSET = 18
"""The operator set that torch's exporter is written in; a higher one would be translated from it."""


def export(network: SplitDetector, folder: Path, split: str | None, passthrough: Passthrough) -> list[Path]:
    """Write ``whole.onnx``, or ``front.onnx`` and ``back.onnx``, batch norm folded into the convolutions.

    Inputs and outputs bear the names of their layers, the picture is ``images``; batch, rows and columns are free.

    Args:
        network: to export, in evaluation mode.
        folder: for the files; made where it is not there.
        split: the layer to cut behind; None for the whole network.
        passthrough: as in `SplitDetector.split`.

    Returns:
        the files written.

    Raises:
        OptionError: the split leaves nothing for the back, a file is there already, or the exporter is not installed.
    """
    if find_spec("onnxscript") is None:
        raise OptionError("ONNX export needs the package onnxscript; pip install 'deep-feature-compression[onnx]'")
    parts = _parts(network, split, passthrough)
    paths = [folder / f"{name}.onnx" for name in parts]
    for path in paths:
        refuse_to_overwrite(path)
    for path, part in zip(paths, parts.values(), strict=True):
        with writing(path) as unfinished:
            _export_part(network, part, unfinished)
    return paths


def _parts(network: SplitDetector, split: str | None, passthrough: Passthrough) -> dict[str, Part]:
    """By the names of their files."""
    if split is None:
        return {"whole": Part(network.nodes, network.layer, (IMAGE,), network.outputs)}
    front, back, _ = network.split(split, passthrough)
    if not back.nodes:
        raise OptionError(f"nothing is left behind {split} for the back; cut before it, or leave out --split")
    return {"front": front, "back": back}


def _export_part(network: SplitDetector, part: Part, path: Path) -> None:
    examples = tuple(_example(network, index) for index in part.inputs)
    with _quiet():
        program = torch.onnx.export(
            part.eval(),
            (examples,),
            input_names=_names(network, part.inputs),
            output_names=_names(network, part.outputs),
            opset_version=OPSET,
            dynamic_shapes=(_free_sides(len(examples)),),
            verbose=False,
        )
    assert program is not None
    program.save(path, external_data=False)


def _example(network: SplitDetector, index: int) -> torch.Tensor:
    """Two pictures' worth of a layer's output: `torch.export` treats sides of 0 and 1 apart from all others."""
    return torch.zeros(2, *_shape(network, index))


def _shape(network: SplitDetector, index: int) -> tuple[int, int, int]:
    return (network.channels, *network.size) if index == IMAGE else network.nodes[index].shape


def _names(network: SplitDetector, indices: Sequence[int]) -> list[str]:
    return ["images" if index == IMAGE else network.nodes[index].name for index in indices]


def _free_sides(inputs: int) -> tuple[dict[int, object], ...]:
    """The first input names its free sides; those of the others follow from it or are named by the exporter."""
    named: dict[int, object] = {0: "batch", 2: "rows", 3: "columns"}
    return named, *[dict.fromkeys(named, Dim.DYNAMIC) for _ in range(inputs - 1)]


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what torch 2.13's exporter says of itself: it misses torchvision, and calls its own class deprecated."""
    logger = logging.getLogger("torch.onnx._internal.exporter._registration")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "`isinstance.treespec, LeafSpec.`", FutureWarning)
            yield
    finally:
        logger.setLevel(level)
