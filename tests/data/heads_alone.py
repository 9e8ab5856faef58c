"""A criterion that asks nobody what is in a picture."""

from torch import Tensor

from lightning_app.criteria import Criterion, TrainingRecord


class HeadsAlone(Criterion):
    """Makes the raw heads small."""

    def forward(self, record: TrainingRecord) -> dict[str, Tensor]:
        """One term."""
        (raw,) = record.raws
        return {"heads": raw.square().mean()}
