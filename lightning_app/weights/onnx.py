"""Export a network as ONNX: whole, or its front and its back as two files that meet at the crossing tensors."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.export import Dim

from lightning_app.errors import OptionError
from lightning_app.graph import IMAGE, Part, Passthrough, Shape, SplitDetector
from lightning_app.progress import working
from lightning_app.transforms import FeatureTransform
from lightning_app.transforms.shapes import sent_shapes
from lightning_app.weights.files import refuse_to_overwrite, writing

OPSET = 18
"""The operator set that torch's exporter is written in; a higher one would be translated from it."""
STEPS = "steps"
"""Name of the input of a back with a transform that takes the codec's step of each image."""


@dataclass(frozen=True)
class Model:
    """What becomes one file.

    Attributes:
        module: takes a tuple of tensors, and gives one.
        inputs: the shape of each tensor that comes in, without the batch, by its name.
        outputs: names of the tensors that go out.
    """

    module: nn.Module
    inputs: Mapping[str, tuple[int, ...]]
    outputs: tuple[str, ...]


class Reduced(nn.Module):
    """The front, and the transform's mobile side behind it.

    Args:
        front: images -> features.
        crossing: names of the layers that make them.
        transform: that reduces them.
    """

    def __init__(self, front: Part, crossing: tuple[str, ...], transform: FeatureTransform) -> None:
        super().__init__()
        self.front, self.crossing, self.transform = front, crossing, transform

    def forward(self, tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Images -> what is quantised."""
        reduced = self.transform.reduce(dict(zip(self.crossing, self.front(tensors), strict=True)))
        return tuple(reduced[name] for name in self.crossing)


class Restored(nn.Module):
    """The transform's cloud side, and the back behind it.

    Args:
        back: features -> raw heads.
        crossing: names of the layers that made the features.
        transform: that restores them.
    """

    def __init__(self, back: Part, crossing: tuple[str, ...], transform: FeatureTransform) -> None:
        super().__init__()
        self.back, self.crossing, self.transform = back, crossing, transform

    def forward(self, tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """What was decoded, and behind it the steps (B,) of the codec -> raw heads."""
        *decoded, steps = tensors
        restored = self.transform.restore(dict(zip(self.crossing, decoded, strict=True)), steps)
        raws: tuple[Tensor, ...] = self.back(tuple(restored[name] for name in self.crossing))
        return raws


def export(
    network: SplitDetector,
    folder: Path,
    split: str | None,
    passthrough: Passthrough,
    transform: FeatureTransform | None = None,
) -> list[Path]:
    """Write ``whole.onnx``, or ``front.onnx`` and ``back.onnx``, batch norm folded into the convolutions.

    Inputs and outputs bear the names of their layers, the picture is ``images``; batch, rows and columns are free. A
    back with a transform also takes `STEPS`, (B,), what `Coder.step` says of each image's QP.

    Args:
        network: to export, in evaluation mode.
        folder: for the files; made where it is not there.
        split: the layer to cut behind; None for the whole network.
        passthrough: as in `SplitDetector.split`.
        transform: of the features that cross, with its weights: `reduce` ends the front and `restore` begins the back.

    Returns:
        the files written.

    Raises:
        OptionError: the split leaves nothing for the back, a file is there already, or the exporter is not installed.
    """
    if find_spec("onnxscript") is None:
        raise OptionError("ONNX export needs the package onnxscript; pip install 'deep-feature-compression[onnx]'")
    models = {"whole": _whole(network)} if split is None else _halves(network, split, passthrough, transform)
    paths = [folder / f"{name}.onnx" for name in models]
    for path in paths:
        refuse_to_overwrite(path)
    for path, model in zip(paths, models.values(), strict=True):
        with writing(path) as unfinished, working(f"Exporting {path.name}"):
            _export(model, unfinished)
    return paths


def _whole(network: SplitDetector) -> Model:
    part = Part(network.nodes, network.layer, (IMAGE,), network.outputs)
    return Model(part, _images(network), _names(network, network.outputs))


def _images(network: SplitDetector) -> dict[str, Shape]:
    return {"images": (network.channels, *network.size)}


def _halves(
    network: SplitDetector, split: str, passthrough: Passthrough, transform: FeatureTransform | None
) -> dict[str, Model]:
    """By the names of their files."""
    front, back, crossing = network.split(split, passthrough)
    if not back.nodes:
        raise OptionError(f"nothing is left behind {split} for the back; cut before it, or leave out --split")
    shapes, outputs = network.shapes(crossing), _names(network, network.outputs)
    if transform is None:
        return {"front": Model(front, _images(network), crossing), "back": Model(back, shapes, outputs)}
    sent = sent_shapes(transform, shapes)
    return {
        "front": Model(Reduced(front, crossing, transform), _images(network), crossing),
        "back": Model(Restored(back, crossing, transform), {**sent, STEPS: ()}, outputs),
    }


def _export(model: Model, path: Path) -> None:
    # Two pictures' worth of each input: `torch.export` treats sides of 0 and 1 apart from all others.
    examples = tuple(torch.zeros(2, *shape) for shape in model.inputs.values())
    with _quiet():
        program = torch.onnx.export(
            model.module.eval(),
            (examples,),
            input_names=list(model.inputs),
            output_names=list(model.outputs),
            opset_version=OPSET,
            dynamic_shapes=(_free_sides(examples),),
            verbose=False,
        )
    assert program is not None
    program.save(path, external_data=False)


def _names(network: SplitDetector, indices: Sequence[int]) -> tuple[str, ...]:
    return tuple(network.nodes[index].name for index in indices)


def _free_sides(inputs: Sequence[Tensor]) -> tuple[dict[int, object], ...]:
    """The first input names its free sides; those of the others follow from it or are named by the exporter."""
    named: dict[int, object] = {0: "batch", 2: "rows", 3: "columns"}
    return named, *[{side: Dim.DYNAMIC for side in named if side < tensor.ndim} for tensor in inputs[1:]]


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
