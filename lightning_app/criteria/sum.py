"""Several criteria at once."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from lightning_app.criteria.criterion import Criterion
from lightning_app.criteria.record import TrainingRecord
from lightning_app.errors import OptionError
from lightning_app.graph import SplitDetector
from lightning_app.wire import WireFormat


class Sum(Criterion):
    """Adds up the losses of several criteria, each times a weight. A term is called ``NAME/TERM``.

    Args:
        criteria: each by a name of its own, such as ``{detection: {class_path: DetectionLoss}}``.
        weights: what the loss of each is multiplied by, by its name; 1 for those that are not named.
    """

    def __init__(self, criteria: dict[str, Criterion], weights: dict[str, float] | None = None) -> None:
        super().__init__()
        _check(criteria, weights or {})
        # Not a ModuleDict: it forbids names such as `keys` and those with dots.
        self.names = tuple(criteria)
        for i, criterion in enumerate(criteria.values()):
            self.add_module(str(i), criterion)
        self.weights = {name: float((weights or {}).get(name, 1)) for name in criteria}

    def check(self, network: SplitDetector, wire: WireFormat | None) -> None:
        """Raise `OptionError` where one of the criteria cannot train the network."""
        for criterion in self._by_name().values():
            criterion.check(network, wire)

    def forward(self, record: TrainingRecord) -> dict[str, Tensor]:
        """The terms of all criteria; each criterion is asked once."""
        return {
            f"{name}/{term}": value
            for name, criterion in self._by_name().items()
            for term, value in criterion(record).items()
        }

    def weight(self, term: str) -> float:
        """The weight of the criterion times its own weight of the term."""
        name, _, own = term.partition("/")
        return self.weights[name] * self._by_name()[name].weight(own)

    def _by_name(self) -> Mapping[str, Criterion]:
        return {name: self.get_submodule(str(i)) for i, name in enumerate(self.names)}  # type: ignore[misc]


def _check(criteria: Mapping[str, Criterion], weights: Mapping[str, float]) -> None:
    if not criteria:
        raise OptionError("Sum needs at least one criterion: name one, such as {detection: DetectionLoss}")
    for name in criteria:
        if "/" in name:
            raise OptionError(f"the criterion's name {name} has a /, which parts it from its terms: leave it out")
    for name in weights.keys() - criteria.keys():
        raise OptionError(f"the weight {name} belongs to none of the criteria {', '.join(criteria)}: correct its name")
