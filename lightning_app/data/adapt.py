"""A network for one's own classes: its ``.cfg``, anchors for its boxes, and the trained layers before its heads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from lightning_app.boxes import voc_to_xyxy
from lightning_app.darknet import Network, save_weights
from lightning_app.darknet.adapt import Sizes, adapted_cfg, head_convolutions
from lightning_app.data.anchors import find_anchors, mean_overlap
from lightning_app.data.annotation import Annotation, read_annotation, shown
from lightning_app.data.check import find_sets
from lightning_app.data.devkit import annotation_path
from lightning_app.errors import DataError, WeightsError
from lightning_app.weights.files import read, refuse_to_overwrite, writing

TRAINING = ("trainval", "train")
"""Names of the sets that are trained on; of a year that has both, the first is taken."""


class Adapted(NamedTuple):
    """What was written.

    Attributes:
        files: what each holds, for a person.
        weights: the trained layers; None where none were asked for.
    """

    files: dict[Path, str]
    weights: Path | None


def adapt(
    source: Path, classes: Sequence[str], target: Path, root: Path | None = None, weights: Path | None = None
) -> Adapted:
    """Write the ``.cfg`` of a network for other classes, and beside it the trained layers that it can begin with.

    Args:
        source: the ``.cfg`` of a detector.
        classes: names of the classes.
        target: the ``.cfg`` to write; it must not be there yet.
        root: a devkit, for whose training boxes anchors are found; None keeps the anchors of the network.
        weights: of ``source``: Darknet ``.weights`` or a checkpoint. Of them the layers before the first head's
            convolution are written to ``target`` with the suffix ``.weights``. None for no weights.

    Raises:
        CfgError: the network is no detector.
        DataError: the devkit has no set to train on, or no box of these classes in it.
        WeightsError: the weights cannot be read, are another network's, or have no layer before the heads.
        OptionError: a file is there already, or cannot be written.
    """
    refuse_to_overwrite(target)
    network = Network.from_cfg(source)
    sizes, absent = (None, []) if root is None else training_sizes(root, classes)
    anchors_told = f"the anchors of {source.name}"

    def find(count: int, unit: tuple[int, int]) -> Sizes:
        nonlocal anchors_told
        assert sizes is not None
        boxes = sizes * unit  # (G, 2)
        anchors = find_anchors(boxes, count)
        iou = mean_overlap(boxes, anchors)
        anchors_told = f"{count} anchors by k-means over {len(boxes):,} training boxes, mean IoU {iou:.3f}"
        return [(width, height) for width, height in anchors.tolist()]

    text = adapted_cfg(network, len(classes), None if sizes is None else find)
    without = f"; no training box is of {shown(absent)}" if absent else ""
    files = {target: f"{len(classes)} class(es), {anchors_told}{without}"}
    trained = None
    if weights is not None:
        trained = target.with_suffix(".weights")
        upto = _save_trained(weights, source, trained)
        files[trained] = f"the layers of {weights.name} before layer {upto}; the others begin at random"
    with writing(target) as part:
        part.write_bytes(text)
    return Adapted(files, trained)


def _save_trained(weights: Path, cfg: Path, target: Path) -> int:
    """Write the layers before the first head's convolution, as far as the file has them; the number of the next one."""
    refuse_to_overwrite(target)
    loaded = read(weights, cfg)
    upto = min([*head_convolutions(loaded.network), *(loaded.network.node(name).index for name in loaded.missing)])
    if upto == 0:
        raise WeightsError(f"{weights} has no layer before the heads of {cfg}; leave out --weights")
    with writing(target) as part:
        save_weights(loaded.network, part, upto)
    return upto


def training_sizes(root: Path, classes: Sequence[str]) -> tuple[NDArray[np.float64], list[str]]:
    """Widths and heights (G, 2) of the boxes of a devkit that are trained on, as fractions of their pictures.

    Returns:
        the sizes, and the names of the classes that none of the boxes has.

    Raises:
        DataError: there is no set to train on, or no box of these classes in it.
    """
    sets = find_sets(root)
    chosen: dict[str, str] = {}
    for part in TRAINING:
        for name in sets:
            year, _, kind = name.partition("/")
            if kind == part:
                chosen.setdefault(year, name)
    if not chosen:
        raise DataError(
            f"{root} has {', '.join(sets)}, and anchors are found on a set named train or trainval: add one"
        )
    ids = sorted({picture for name in chosen.values() for picture in sets[name]})
    annotations = [read_annotation(annotation_path(root, picture), tuple(classes), others="ignore") for picture in ids]
    sizes = np.concatenate([_sizes(annotation) for annotation in annotations])  # (G, 2)
    if not len(sizes):
        raise DataError(f"{root} has no box of {', '.join(classes)} in {', '.join(chosen.values())}: check the names")
    there = {label for annotation in annotations for label in annotation.labels[~annotation.difficult].tolist()}
    return sizes, [name for label, name in enumerate(classes) if label not in there]


def _sizes(annotation: Annotation) -> NDArray[np.float64]:
    """Of one annotation (G, 2), without the difficult ones."""
    boxes = torch.from_numpy(annotation.boxes[~annotation.difficult]).double()
    boxes = voc_to_xyxy(boxes, (annotation.height, annotation.width)).clamp(0, 1)
    sizes = (boxes[:, 2:] - boxes[:, :2]).numpy()
    return np.asarray(sizes[(sizes > 0).all(axis=1)], np.float64)
