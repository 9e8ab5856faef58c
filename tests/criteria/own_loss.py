"""A criterion as a researcher would write it in a file of their own."""

from torch import Tensor, nn

from lightning_app.criteria import Criterion, TrainingRecord
from lightning_app.errors import OptionError
from lightning_app.graph import SplitDetector
from lightning_app.wire import WireFormat


class Consistency(Criterion):
    """The heads of decoded features against those of uncoded ones, and how much the channel changed the features.

    Args:
        share: of the distortion in the loss.
    """

    def __init__(self, share: float = 0.5) -> None:
        super().__init__()
        self.share = share
        self.temperature = nn.Parameter(nn.init.ones_(Tensor(1)))

    def check(self, network: SplitDetector, wire: WireFormat | None) -> None:
        """Only for the five drawn shapes."""
        if network.classes != 5:
            raise OptionError(f"Consistency is for 5 classes, not {network.classes}")

    def forward(self, record: TrainingRecord) -> dict[str, Tensor]:
        """Two terms; everything that a record promises is looked at."""
        images = len(record.images)
        assert len(record.targets) == len(record.qps) == images
        assert set(record.qps) <= {"lossless", 37}
        assert record.bits is not None
        assert record.bits.shape == (images,)
        assert record.network.seen > 0
        ((name, before),) = record.features.items()
        heads = zip(record.raws, record.uncoded(), strict=True)
        return {
            "heads": sum((coded - uncoded).square().mean() for coded, uncoded in heads) * self.temperature.sum(),
            "distortion": (record.decoded[name] - before).square().mean(),
        }

    def weight(self, term: str) -> float:
        """Of the distortion it is an option."""
        return self.share if term == "distortion" else 1.0
