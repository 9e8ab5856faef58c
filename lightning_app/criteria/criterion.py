"""The interface of a criterion."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from lightning_app.criteria.record import TrainingRecord
from lightning_app.errors import OptionError
from lightning_app.graph import SplitDetector


class Criterion(nn.Module, ABC):
    """Judges a training step: named terms, whose weighted sum is the loss.

    Parameters of a criterion are trained with the network, and saved in its checkpoints.
    """

    def check(self, network: SplitDetector) -> None:
        """Raise `OptionError` where the criterion cannot train the network; called once, before anything is trained.

        Args:
            network: with the weights that training starts from.
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
    """Raise `OptionError` where what a criterion gave is not named terms of no dimension."""
    given = terms if isinstance(terms, dict) else {}
    wrong = [name for name, term in given.items() if not isinstance(term, Tensor) or term.ndim]
    if not given or wrong:
        raise OptionError(
            f"{type(criterion).__name__} must give a dict of at least one term, each a tensor of no dimension "
            "such as loss.mean(); " + (f"{', '.join(wrong)} is none" if wrong else "it gives no term")
        )
