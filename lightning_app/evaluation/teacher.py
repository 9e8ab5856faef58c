"""Pseudo ground truth: what a network finds in uncoded pictures is taken for their true boxes.

After Fischer et al., "Evaluation of video coding for machines without ground truth" (ICASSP 2022).
"""

from __future__ import annotations

import hashlib
from copy import deepcopy
from pathlib import Path
from typing import cast

import torch
from pytorch_lightning.utilities import rank_zero_info
from torch import Tensor, nn

from lightning_app.boxes import picture_to_input, voc_to_xyxy, xyxy_to_cxcywh
from lightning_app.checkpoint import load_model
from lightning_app.data import Resize, Target
from lightning_app.detections import in_pixels
from lightning_app.detector import Detector
from lightning_app.evaluation.links import Photo
from lightning_app.graph import SplitDetector
from lightning_app.records.truth import TEACHER_SCORE, of_teacher


class TeacherTruth(nn.Module):
    """A network, the teacher, whose detections are the true boxes.

    Args:
        network: the teacher.
        file: name of its weights.
        nms_threshold: as ``model.nms_threshold``.
    """

    def __init__(self, network: SplitDetector, file: str, nms_threshold: float) -> None:
        super().__init__()
        self.network, self.file, self.nms_threshold = network, file, nms_threshold

    @classmethod
    def of(cls, detector: Detector, path: str | None) -> TeacherTruth:
        """The detector's network with other weights, or as it is.

        Args:
            detector: that is evaluated.
            path: of the teacher's weights; None for the detector's own.

        Raises:
            WeightsError: the file cannot be read, or is another network's.
        """
        network, threshold = detector.network, float(detector.hparams["nms_threshold"])
        if path is None:
            return cls(network, Path(detector.hparams["weights"] or "initial weights").name, threshold)
        teacher = deepcopy(network)
        for sentence in load_model(teacher, Path(path)):
            rank_zero_info(sentence)
        return cls(teacher, Path(path).name, threshold)

    def truth(self, size: tuple[int, int], resize: Resize, precision: str) -> str:
        """What tells its boxes from those of another teacher, as `lightning_app.records.truth` has it.

        Args:
            size: height and width of the network's input.
            resize: how pictures are brought to it.
            precision: of the trainer.
        """
        setting = (TEACHER_SCORE, self.nms_threshold, tuple(size), resize, str(precision))
        digest = hashlib.sha256(repr(setting).encode())
        for part in self.network.identity():
            digest.update(part)
        return of_teacher(self.file, digest.hexdigest()[:12])

    def target(self, photo: Photo) -> Target:
        """The picture's target with the teacher's boxes in the place of the annotated ones."""
        (found,) = self.network.detect(self._raws(photo), TEACHER_SCORE, self.nms_threshold)
        target, labels = photo.target, found["labels"]
        pixels = in_pixels(found, target)["boxes"]
        inputs = picture_to_input(voc_to_xyxy(pixels, target["size"]), target["window"])
        rows = {
            "boxes": xyxy_to_cxcywh(inputs),
            "labels": labels,
            "difficult": torch.zeros_like(labels, dtype=torch.bool),
            "voc_boxes": pixels,
            "class_only": labels[:0],
        }
        return cast(Target, {**target, **rows})

    def _raws(self, photo: Photo) -> tuple[Tensor, ...]:
        """Its raw outputs: the pass of the evaluated network serves where that is the teacher."""
        if self.network is photo.model.network:
            return photo.uncoded()
        raws: tuple[Tensor, ...] = self.network(photo.image)
        return raws
