"""The interface of a criterion."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor, nn

from lightning_app.criteria.record import TrainingRecord
from lightning_app.errors import OptionError
from lightning_app.graph import SplitDetector
from lightning_app.wire import WireFormat


class Criterion(nn.Module, ABC):
    """Judges a training step: named terms, whose weighted sum is the loss.

    Parameters of a criterion are trained with the network, and saved in its checkpoints.

    Attributes:
        needs_boxes: whether it learns from what the targets say is in the pictures: then a folder of pictures, of which
            nobody said it, is refused.
    """

    needs_boxes: ClassVar[bool] = False

    def check(self, network: SplitDetector, wire: WireFormat | None) -> None:
        """Raise `OptionError` where the criterion cannot train the network; called once, before anything is trained.

        Args:
            network: with the weights that training starts from.
            wire: what the channel sends; None without a channel.
        """

    @abstractmethod
    def forward(self, record: TrainingRecord) -> dict[str, Tensor]:
        """The terms by name, each of no dimension; each is logged as ``train/loss_NAME``.

        Args:
            record: of the step.
        """

    def weight(self, term: str) -> float:  # noqa: ARG002
        """What a term is multiplied by in the loss."""
        return 1.0


def check_terms(criterion: Criterion, terms: object) -> None:
    """Raise `OptionError` where what a criterion gave is not at least one named term of no dimension."""
    kind = type(criterion).__name__
    if not isinstance(terms, dict) or not terms:
        raise OptionError(f"{kind} gives no term: give a dict of at least one, such as {{'heads': loss.mean()}}")
    for name, term in terms.items():
        if not isinstance(term, Tensor) or term.ndim:
            given = f"of shape {tuple(term.shape)}" if isinstance(term, Tensor) else f"a {type(term).__name__}"
            raise OptionError(f"the term {name} of {kind} is {given}: give a tensor of no dimension, such as a mean")
