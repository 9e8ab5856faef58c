"""A quantiser with a range for each channel, as an experiment: the program has one range for each tensor.

Each channel of each picture is brought from its own minimum and maximum to 0 and 1 before the channel of `dfc`, and
back behind it. The ranges are counted as two numbers of 8 bits for each channel, and taken back exactly: a real
quantiser would need at least as many bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from experiments.voc_subset.plan import TEST, Subject
from lightning_app.channel import FeatureChannel, QPOption
from lightning_app.checkpoint import load_model
from lightning_app.darknet import read_detector
from lightning_app.data import VOC_CLASSES
from lightning_app.data.examples import collate
from lightning_app.data.voc import VOCDataset
from lightning_app.evaluation.measurement import Measurement
from lightning_app.measure import OperatingPoint
from lightning_app.records.points import Point
from lightning_app.records.truth import ANNOTATIONS
from lightning_app.systems import Collaborative

RANGE_BITS = 16
"""Of one channel's minimum and maximum."""
SCORE, NMS = 0.005, 0.45
"""The thresholds of a `Detector`."""


def channel_ranges(devkit: Path, subject: Subject, split: str, qps: Sequence[QPOption]) -> dict[str, Measurement]:
    """The operating points on the test set, by name."""
    network = read_detector(subject.network).eval()
    load_model(network, subject.weights)
    system = Collaborative(network, FeatureChannel(split, qps=qps))
    dataset = VOCDataset(devkit, [TEST], network.size, boxes_needed=True)
    measured = {qp: OperatingPoint(VOC_CLASSES) for qp in qps}
    with torch.no_grad(), system.pool:
        for batch in DataLoader(dataset, batch_size=16, collate_fn=collate):
            features = system.features(batch["images"])
            units, ranges = zip(*(to_unit(v) for v in features.values()), strict=True)
            side = RANGE_BITS * sum(v.shape[1] for v in features.values())
            for qp in qps:
                sent, bits = system.channel(dict(zip(features, units, strict=True)), [qp] * len(batch["images"]))
                back = {name: v * span + low for (name, v), (low, span) in zip(sent.items(), ranges, strict=True)}
                found = network.detect(system.raws(back), SCORE, NMS)
                measured[qp].update(found, batch["targets"], bits + side)
    points = {qp: _measurement(system, qp, one, dataset.ids) for qp, one in measured.items()}
    return {one.point.name: one for one in points.values()}


def to_unit(v: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """(B, C, N, M) -> each channel from 0 to 1, with minimum and span (B, C, 1, 1); a constant one has span 1."""
    low, high = v.amin(dim=(2, 3), keepdim=True), v.amax(dim=(2, 3), keepdim=True)
    span = torch.where(high > low, high - low, torch.ones_like(low))
    return (v - low) / span, (low, span)


def _measurement(system: Collaborative, qp: QPOption, measured: OperatingPoint, ids: Sequence[str]) -> Measurement:
    outcomes, bits = measured.accuracy.outcomes(), measured.rate.by_picture()[:, 1]
    values = measured.compute()
    point = Point(
        system=system.name,
        network="",
        weights="",
        **system.columns(qp),
        qp=str(qp),
        images=len(ids),
        kbpi=float(values["kbpi"]),
        kbpi_std=float(values["kbpi_std"]),
        map=float(values["map"]),
        map_area=float(values["map_area"]),
        seed=0,
        loss=0.0,
        truth=ANNOTATIONS,
    )
    return Measurement(point, [ids[index] for index in outcomes.images], outcomes, bits, np.zeros(len(ids)))
