"""The interface of a feature transform: `reduce` on the mobile side, `restore` in the cloud."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping

from torch import Tensor, nn

from lightning_app.errors import OptionError
from lightning_app.graph import Shape


class FeatureTransform(nn.Module, ABC):
    """Changes the features that cross a cut before Eq. (2), and back after Eq. (3).

    Its parameters are trained with the network, moved to its device, saved in its checkpoints, averaged and exported
    with it. A `.dfc` file can only be read with the transform, and the weights of it, that it was made with.
    """

    def __init__(self) -> None:
        super().__init__()
        self.shapes: dict[str, Shape] | None = None

    def __str__(self) -> str:
        """Its name in ``points.csv``; with the settings, if a subclass adds them."""
        return type(self).__name__

    def build(self, shapes: Mapping[str, Shape]) -> None:
        """Make the parameters for what crosses; called once, before anything is sent or any weights are loaded.

        Args:
            shapes: C, N, M of each tensor that crosses, by the layer that makes it, for the network's own input size.
        """

    def prepare(self, shapes: Mapping[str, Shape]) -> None:
        """`build`, the first time; every channel that sends through the transform asks for it.

        Raises:
            OptionError: the transform was built for other features.
        """
        if self.shapes is None:
            self.build(shapes)
            self.shapes = dict(shapes)
        elif self.shapes != dict(shapes):
            raise OptionError(f"{self} was made for the features of {', '.join(self.shapes)}, not {', '.join(shapes)}")

    @abstractmethod
    def reduce(self, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """On the mobile side: features -> what is quantised and coded, under the same names.

        Args:
            features: (B, C, N, M) of each tensor that crosses, by the layer that makes it.

        Returns:
            (B, C', N', M') of each. What is sent for one image depends on its own features only.
        """

    @abstractmethod
    def restore(self, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """In the cloud: decoded (B, C', N', M') -> features of the shapes that the back takes, under the same names."""

    def identity(self) -> Iterator[bytes]:
        """All that its outputs depend on: the class, its plain attributes and its weights."""
        kind, own = type(self), sorted(vars(self).keys() - vars(nn.Module()).keys())
        yield f"{kind.__module__}.{kind.__qualname__}".encode()
        yield repr([(name, getattr(self, name)) for name in own]).encode()
        for name, tensor in self.state_dict().items():
            yield name.encode()
            yield tensor.detach().cpu().numpy().tobytes()
