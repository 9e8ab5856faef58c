"""A learned reduction of the channels, as a researcher would write it in a file of their own."""

from collections.abc import Mapping

from torch import Tensor, nn

from lightning_app.graph import Shape
from lightning_app.transforms import FeatureTransform


class Bottleneck(FeatureTransform):
    """A 1×1 convolution to fewer channels, and one back.

    Args:
        channels: that are sent of each tensor.
    """

    def __init__(self, channels: int = 4) -> None:
        super().__init__()
        self.channels = channels
        self.down, self.up = nn.ModuleDict(), nn.ModuleDict()

    def build(self, shapes: Mapping[str, Shape]) -> None:
        """One pair for each tensor that crosses, by its place: a name may have dots."""
        for place, (c, _, _) in enumerate(shapes.values()):
            self.down[str(place)] = nn.Conv2d(c, self.channels, 1)
            self.up[str(place)] = nn.Conv2d(self.channels, c, 1)

    def reduce(self, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """(B, C, N, M) -> (B, channels, N, M) of each."""
        return {name: self.down[str(i)](v) for i, (name, v) in enumerate(features.items())}

    def restore(self, features: Mapping[str, Tensor], steps: Tensor) -> dict[str, Tensor]:
        """(B, channels, N, M) -> (B, C, N, M) of each."""
        return {name: self.up[str(i)](v) for i, (name, v) in enumerate(features.items())}


class Dropping(Bottleneck):
    """Drops samples on both sides."""

    def __init__(self, channels: int = 4) -> None:
        super().__init__(channels)
        self.before, self.after = nn.Dropout(0.2), nn.Dropout(0.2)

    def reduce(self, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """As above, of features some of which are 0."""
        return super().reduce({name: self.before(v) for name, v in features.items()})

    def restore(self, features: Mapping[str, Tensor], steps: Tensor) -> dict[str, Tensor]:
        """As above, and some samples become 0."""
        return {name: self.after(v) for name, v in super().restore(features, steps).items()}


class Forgetful(Bottleneck):
    """Restores too few channels."""

    def restore(self, features: Mapping[str, Tensor], steps: Tensor) -> dict[str, Tensor]:
        """Nothing."""
        return dict(features)
