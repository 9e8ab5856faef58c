"""What a picture becomes between the phone and the cloud, in numbers and arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from lightning_app.channel import FeatureChannel, QPOption
from lightning_app.checkpoint import load_model
from lightning_app.codecs.base import Picture
from lightning_app.darknet import read_detector
from lightning_app.data import fit_picture, read_picture, to_tensor
from lightning_app.graph import Detections, SplitDetector
from lightning_app.systems import Collaborative
from lightning_app.transmit.cloud import detect_from
from lightning_app.transmit.mobile import encode_picture

FLOAT = 32
"""The depth at which samples are not quantised."""
SURE = 0.35
"""Score above which a box is drawn and counted."""


@dataclass(frozen=True)
class Row:
    """One operating point; a row of ``journey.csv``.

    Attributes:
        qp: quantisation parameter, ``lossless``, or ``float32`` where the samples are not quantised.
        payload: bytes of the codec.
        container: bytes of the whole ``.dfc`` file.
        kilobits: of the container.
        changed: share of the samples that are not what they were, in percent.
        error: root of the mean squared error of the samples, in steps of the quantiser.
        boxes: how many are surer than `SURE`.
    """

    qp: str
    payload: int
    container: int
    kilobits: float
    changed: float
    error: float
    boxes: int


@dataclass(frozen=True)
class Stage:
    """What the cloud has at one operating point: its row, the decoded samples and the boxes."""

    row: Row
    samples: Picture
    found: Detections


def read_network(cfg: Path, weights: Path) -> SplitDetector:
    """The network with its weights, in evaluation mode."""
    network = read_detector(cfg).eval()
    load_model(network, weights)
    return network


def stages(
    network: SplitDetector, file: Path, split: str, qps: Sequence[QPOption], depth: int = 8
) -> tuple[Picture, list[Stage]]:
    """The samples before the codec, and what the cloud has at each QP.

    Args:
        network: in evaluation mode.
        file: the picture.
        split: layer that the network is cut behind, where one tensor crosses.
        qps: at which to code.
        depth: bits per sample; 32 for samples that are not quantised.
    """
    system = Collaborative(network, FeatureChannel(split, depth, qps, workers=1))
    image, _ = fit_picture(read_picture(file), network.size, "plain")
    with system.pool, torch.inference_mode():
        features = system.features(to_tensor(image, network.channels)[None])
        (before,) = (one.picture for one in system.channel.codec_inputs(features))
        return before, [_stage(system, file, before, features, qp) for qp in qps]


def _stage(system: Collaborative, file: Path, before: Picture, features: Mapping[str, Tensor], qp: QPOption) -> Stage:
    (sent,) = system.channel.encode(features, qp)
    data = encode_picture(file, system, qp)
    after, found = system.wire.codec.decode(sent.payload), detect_from(data, system.network)
    error = after.astype(float) - before
    row = Row(
        "float32" if system.wire.depth == FLOAT else str(qp),
        len(sent.payload),
        len(data),
        round(8 * len(data) / 1000, 2),
        round(100 * float(np.mean(error != 0)), 1),
        round(float(np.sqrt(np.mean(error**2))), 2),
        len(sure(found)),
    )
    return Stage(row, after, found)


def sure(found: Detections) -> list[tuple[int, float, tuple[float, float, float, float]]]:
    """Label, score and edges of the boxes that are drawn."""
    triples = zip(found["labels"].tolist(), found["scores"].tolist(), found["boxes"].tolist(), strict=True)
    return [(label, score, tuple(edges)) for label, score, edges in triples if score > SURE]


def original_size(file: Path) -> tuple[int, int, int]:
    """Width, height and bytes of a picture's file."""
    with Image.open(file) as picture:
        return (*picture.size, file.stat().st_size)
