"""Label-free distillation: behind the channel, the network learns to give what a teacher gives without one."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import torch
from torch import Tensor

from lightning_app.checkpoint import load_model
from lightning_app.criteria.criterion import Criterion
from lightning_app.criteria.record import TrainingRecord
from lightning_app.criteria.teacher import Teacher
from lightning_app.darknet import read_detector
from lightning_app.errors import OptionError
from lightning_app.graph import SplitDetector
from lightning_app.wire import WireFormat


class Distillation(Criterion):
    """The heads of coded and of uncoded features against a teacher's, for the same images. It needs no label.

    The terms are ``coded_NAME`` and ``uncoded_NAME``, with the names of `SplitDetector.imitation`.

    Args:
        teacher: Darknet ``.weights`` or a checkpoint that the network learns from; null for the weights that the
            training starts from.
        teacher_network: Darknet ``.cfg`` of the teacher, or the class path of another detector with the same heads and
            input size; null for the network itself.
        objectness: weight of the terms of objectness.
        box: weight of the terms of the boxes.
        classes: weight of the terms of the classes.
        uncoded: weight of the heads of features that were not coded; 0 leaves them out.
    """

    def __init__(
        self,
        teacher: str | None = None,
        teacher_network: SplitDetector | str | None = None,
        objectness: float = 5.0,
        box: float = 2.0,
        classes: float = 1.0,
        uncoded: float = 1.0,
    ) -> None:
        super().__init__()
        if teacher_network is not None and teacher is None:
            raise OptionError("teacher_network needs the weights of that network: give them as teacher")
        if min(objectness, box, classes, uncoded) < 0:
            raise OptionError("objectness, box, classes and uncoded must be at least 0: each is a weight in the loss")
        self.weights = {"objectness": objectness, "box": box, "class": classes}
        self.uncoded = uncoded
        self.source = teacher, teacher_network
        # In a tuple torch does not see it: it has no place in checkpoints, averages and optimisers.
        self._teacher: tuple[Teacher, ...] = ()

    def check(self, network: SplitDetector, wire: WireFormat | None) -> None:  # noqa: ARG002
        """Read the teacher.

        Raises:
            OptionError: the teacher has other heads or another input size, or the network cannot learn from a teacher.
            WeightsError: the teacher's file cannot be read or does not fit.
        """
        teacher = self._read(network)
        network.check_teacher(teacher)
        self._teacher = (Teacher(teacher),)

    def _read(self, network: SplitDetector) -> SplitDetector:
        weights, other = self.source
        teacher = deepcopy(network) if other is None else read_detector(other) if isinstance(other, str) else other
        if weights is not None:
            from pytorch_lightning.utilities import rank_zero_info  # encode and decode do without Lightning

            for sentence in load_model(teacher, Path(weights)):
                rank_zero_info(sentence)
        return teacher

    def forward(self, record: TrainingRecord) -> dict[str, Tensor]:
        """The terms of each side."""
        (teacher,) = self._teacher
        with torch.no_grad():
            expected = teacher(record.images, record.targets)
        terms = _named("coded", record.network.imitation(record.raws, expected))
        if self.uncoded:
            terms |= _named("uncoded", record.network.imitation(record.uncoded(), expected))
        return terms

    def weight(self, term: str) -> float:
        """That of the term's kind, times ``uncoded`` where the features were not coded."""
        side, _, kind = term.partition("_")
        return self.weights.get(kind, 1.0) * (self.uncoded if side == "uncoded" else 1.0)


def _named(side: str, terms: dict[str, Tensor]) -> dict[str, Tensor]:
    return {f"{side}_{name}": term for name, term in terms.items()}
