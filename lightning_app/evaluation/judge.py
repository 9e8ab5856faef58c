"""What the cloud finds at one operating point, and what it found there before."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
import torch
from torch import Tensor

import lightning_app
from lightning_app.data import Target
from lightning_app.data.augmentation import SMALLEST
from lightning_app.evaluation.links import Link, Photo
from lightning_app.evaluation.store import JUDGED, Store
from lightning_app.graph import Detections, SplitDetector

TRAINED = 2**31
"""Pictures seen, far behind the warm-up of Darknet's loss: its pull to the priors does not belong to a test."""
HEADER = struct.Struct("<ddQI")
"""Of a kept judgement: the score threshold, the loss, the bits, and D, how many boxes follow."""
COLUMNS = {"boxes": "<f4", "scores": "<f4", "labels": "<i8"}
"""Of the boxes: (D, 4), (D,) and (D,)."""


class Judgement(NamedTuple):
    """One picture at one operating point: the boxes that are found in it, their loss, and the bits that it took."""

    found: Detections
    loss: float
    bits: int


class Judge:
    """Judges raw outputs of a network by the true boxes, and keeps its judgements.

    A judgement that was made with a lower score threshold is used again: a higher one only leaves boxes out, and a
    box never removes a better one.

    Args:
        network: whose outputs they are.
        form: of the loss.
        score_threshold: a score must be above it.
        nms_threshold: IoU above which the worse of two boxes of one class goes.
        store: of the judgements.

    Attributes:
        found: how many judgements were in the store, those of uncoded pictures left out.
    """

    def __init__(
        self, network: SplitDetector, form: str, score_threshold: float, nms_threshold: float, store: Store
    ) -> None:
        self.network, self.form, self.store = network, form, store
        self.score_threshold, self.nms_threshold = score_threshold, nms_threshold
        self.found = 0

    def judge(self, photo: Photo, raws: tuple[Tensor, ...], bits: int) -> Judgement:
        """The detections and the loss of one picture from the raw outputs of the network."""
        (found,) = self.network.detect(raws, self.score_threshold, self.nms_threshold)
        terms = self.network.losses(raws, [without_difficult(photo.target)], self.form, TRAINED)
        return Judgement(found, float(sum(terms.values())), bits)

    def known(self, photos: Sequence[Photo], link: Link | None) -> dict[Photo, Judgement]:
        """What was judged before.

        Args:
            photos: pictures of the test set.
            link: over which they go; None for the files as they are.
        """
        keys = {self.key(photo, link): photo for photo in photos}
        judgements = {}
        for key, data in self.store.find(keys, JUDGED).items():
            judgement = _unpacked(data, self.score_threshold, keys[key].image.device)
            if judgement is not None:
                judgements[keys[key]] = judgement
        self.found += len(judgements) if link is not None else 0
        return judgements

    def keep(self, judgements: Mapping[tuple[Photo, Link | None], Judgement]) -> None:
        """Keep new judgements for the next evaluation."""
        packed = {
            self.key(*way): _packed(self.score_threshold, judgement)
            for way, judgement in judgements.items()
            if judgement.found["boxes"].dtype == judgement.found["scores"].dtype == torch.float32
        }
        self.store.put(packed, JUDGED)

    def key(self, photo: Photo, link: Link | None) -> bytes:
        """A digest of all that a judgement depends on beside the score threshold."""
        way = photo.digest.encode() if link is None else link.key(photo)
        model, size = photo.model, tuple(photo.image.shape[2:])
        setting = (model.identity, model.resize, size, self.form, self.nms_threshold, _program())
        return hashlib.sha256(repr(setting).encode() + way + photo.truth_digest).digest()


def without_difficult(target: Target) -> Target:
    """A target as training has it: without the objects that are marked difficult, or have no area for a loss."""
    kept = ~target["difficult"] & (target["boxes"][:, 2:] >= SMALLEST).all(dim=1)
    rows = {name: target[name][kept] for name in ("boxes", "labels", "difficult", "voc_boxes")}
    return cast(Target, {**target, **rows})


@cache
def _program() -> str:
    """A digest of this program's own code and of NumPy's version: another one may find other boxes."""
    digest = hashlib.sha256(version("numpy").encode())
    for path in sorted(Path(lightning_app.__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _packed(threshold: float, judgement: Judgement) -> bytes:
    found = judgement.found
    header = HEADER.pack(threshold, judgement.loss, judgement.bits, len(found["scores"]))
    columns = (found[name].cpu().numpy().astype(kind) for name, kind in COLUMNS.items())  # type: ignore[literal-required]
    return header + b"".join(column.tobytes() for column in columns)


def _unpacked(data: bytes, score_threshold: float, device: torch.device) -> Judgement | None:
    """A kept judgement without the boxes that are not above a threshold; None if it never had all that are."""
    threshold, loss, bits, count = HEADER.unpack_from(data)
    if threshold > score_threshold:
        return None
    columns, start = {}, HEADER.size
    for name, kind in COLUMNS.items():
        rows = np.frombuffer(data, kind, 4 * count if name == "boxes" else count, start)
        columns[name] = rows.reshape(count, 4) if name == "boxes" else rows
        start += rows.nbytes
    kept = columns["scores"] > score_threshold
    found = {name: torch.from_numpy(rows[kept]).to(device) for name, rows in columns.items()}
    return Judgement(cast(Detections, found), loss, bits)
