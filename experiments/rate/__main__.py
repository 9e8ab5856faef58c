"""``python -m experiments.rate``: real features, coded at every QP, beside the estimate of their bits."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from experiments.voc_subset.plan import Subject, subjects
from lightning_app.channel import FeatureChannel
from lightning_app.checkpoint import load_model
from lightning_app.darknet import read_detector
from lightning_app.data.voc import VOCDataset
from lightning_app.graph import SplitDetector
from lightning_app.rate_estimate import estimate_bits
from lightning_app.records.rows import write_rows
from lightning_app.systems import Collaborative

QPS = (22, 27, 32, 37, 42, 47)


@dataclass(frozen=True)
class Row:
    """One network, cut and QP.

    Attributes:
        network: its name.
        split: layer behind which it is cut.
        qp: quantisation parameter of HEVC.
        images: how many.
        kbpi: mean of the real kilobits per image.
        correlation: of the logarithms of estimated and real bits over the images.
        octaves: mean of log2(estimated / real), less its mean over all rows.
    """

    network: str
    split: str
    qp: int
    images: int
    kbpi: float
    correlation: float
    octaves: float


def main() -> None:
    """Code, estimate and write ``rate.csv``."""
    parser = argparse.ArgumentParser(prog="python -m experiments.rate", description=__doc__)
    parser.add_argument("--devkit", type=Path, required=True, help="the folder that holds VOC2007")
    parser.add_argument("--weights", type=Path, required=True, help="the folder that holds yolo-lite and yolo-fastest")
    parser.add_argument("--images", type=int, default=20, help="number of training pictures")
    parser.add_argument("--results", type=Path, default=Path("results/rate"), help="folder of rate.csv")
    options = parser.parse_args()
    found = [
        (subject, split, qp, *bits)
        for subject in subjects(options.weights)
        for split, qp, bits in _coded(subject, options.devkit, options.images)
    ]
    mean = float(np.mean([_octaves(estimated, real).mean() for *_, estimated, real in found]))
    options.results.mkdir(parents=True, exist_ok=True)
    write_rows(options.results / "rate.csv", Row, [_row(*one, mean) for one in found])


def _coded(subject: Subject, devkit: Path, images: int) -> Iterator[tuple[str, int, tuple[Tensor, Tensor]]]:
    """Each split and QP with the estimated and the real bits of each image."""
    network = read_detector(subject.network).eval()
    load_model(network, subject.weights)
    batch = _images(network, devkit, images)
    for split in subject.splits:
        system = Collaborative(network, FeatureChannel(split))
        with torch.no_grad(), system.pool:
            features = system.features(batch)
            for qp in QPS:
                _, real = system.channel(features, [qp] * images)
                yield split, qp, (estimate_bits(features, [qp] * images, system.channel.wire), real)


def _images(network: SplitDetector, devkit: Path, images: int) -> Tensor:
    """Every so-and-so-many-th picture of the training set."""
    dataset = VOCDataset(devkit, ["VOC2007/trainval"], network.size)
    places = np.linspace(0, len(dataset) - 1, images).astype(int)
    return torch.stack([dataset[int(place)]["image"] for place in places])


def _octaves(estimated: Tensor, real: Tensor) -> Tensor:
    return estimated.double().log2() - real.double().log2()


def _row(subject: Subject, split: str, qp: int, estimated: Tensor, real: Tensor, mean: float) -> Row:
    correlation = float(np.corrcoef(estimated.double().log2(), real.double().log2())[0, 1])
    octaves = float(_octaves(estimated, real).mean()) - mean
    return Row(
        subject.name,
        split,
        qp,
        len(real),
        round(float(real.double().mean()) / 1000, 2),
        round(correlation, 4),
        round(octaves, 4),
    )


if __name__ == "__main__":
    main()
