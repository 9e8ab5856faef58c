"""The bits that the features cost, as far as they can be told by a function with a gradient."""

from __future__ import annotations

import torch
from torch import Tensor

from lightning_app.codecs.base import FLOAT
from lightning_app.criteria.criterion import Criterion
from lightning_app.criteria.record import TrainingRecord
from lightning_app.errors import OptionError
from lightning_app.graph import SplitDetector
from lightning_app.rate_estimate import estimate_bits
from lightning_app.wire import WireFormat


class Rate(Criterion):
    """How often the bits of the features double: log2 of an estimate of them, averaged over the images.

    A per cent of the bits counts the same at every QP, as in a Bjøntegaard difference. It is one part of a `Sum`.
    """

    def __init__(self) -> None:
        super().__init__()
        self._wire: tuple[WireFormat, ...] = ()

    def check(self, network: SplitDetector, wire: WireFormat | None) -> None:  # noqa: ARG002
        """Raise `OptionError` where no bits can be estimated."""
        if wire is None:
            raise OptionError(
                "Rate estimates the bits of features, and without a channel none are sent: set model.channel.split, or "
                "leave Rate out"
            )
        if wire.depth == FLOAT:
            raise OptionError("Rate estimates the bits of quantised features: set model.channel.depth to 8, 10 or 12")
        self._wire = (wire,)

    def forward(self, record: TrainingRecord) -> dict[str, Tensor]:
        """The term ``octaves``."""
        (wire,) = self._wire
        if not record.sent:
            raise OptionError("Rate needs features that are really coded: take another gradient than noise")
        return {"octaves": torch.log2(1 + estimate_bits(record.sent, record.qps, wire)).mean()}
