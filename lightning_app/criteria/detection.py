"""The loss of the heads against the true boxes: what a detector is normally trained by."""

from __future__ import annotations

from torch import Tensor

from lightning_app.criteria.criterion import Criterion
from lightning_app.criteria.record import TrainingRecord
from lightning_app.darknet import LossForm
from lightning_app.graph import SplitDetector
from lightning_app.wire import WireFormat


class DetectionLoss(Criterion):
    """The detector's own loss, of decoded features against the true boxes.

    Args:
        form: ``darknet``, as the heads' own source has it, or ``yolov1``, Eq. (1) of the paper, for region heads.
    """

    needs_boxes = True

    def __init__(self, form: LossForm = "darknet") -> None:
        super().__init__()
        self.form = form

    def check(self, network: SplitDetector, wire: WireFormat | None) -> None:  # noqa: ARG002
        """Raise `OptionError` where a head has no such form of the loss."""
        network.check_form(self.form)

    def forward(self, record: TrainingRecord) -> dict[str, Tensor]:
        """The terms ``box``, ``objectness`` and ``class``, and early in a region head's training ``prior``."""
        return record.network.losses(record.raws, record.targets, self.form, record.network.seen)
