"""The interface of a feature transform: `reduce` on the mobile side, `restore` in the cloud."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy

import torch
from torch import Tensor, nn

from lightning_app.dropout import Dropout, make_repeatable
from lightning_app.errors import OptionError
from lightning_app.graph import Shape, SplitDetector
from lightning_app.transforms.examples import FeatureBatch


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
        """Make the parameters for the tensors that are sent; called once, before any weights are loaded.

        Args:
            shapes: C, N, M of each tensor that is sent, by the layer that makes it, for the network's own input size.
        """

    def build_in(self, network: SplitDetector | None, shapes: Mapping[str, Shape]) -> None:  # noqa: ARG002
        """`build`, for a transform that also needs the layers before the cut.

        Args:
            network: that is cut, whose weights may still be loaded: keep copies of layers, and fill them when
                `initialise` is called. None where the tensors are what another transform gives.
            shapes: as in `build`.
        """
        self.build(shapes)

    def prepare(self, shapes: Mapping[str, Shape], network: SplitDetector | None = None) -> None:
        """`build_in`, the first time; every channel that sends through the transform asks for it.

        Args:
            shapes: as in `build`.
            network: as in `build_in`.

        Raises:
            OptionError: the transform was built for other features.
        """
        if self.shapes is None:
            self.build_in(network, shapes)
            make_repeatable(self)
            self.shapes = dict(shapes)
        elif self.shapes != dict(shapes):
            raise OptionError(f"{self} was made for the features of {', '.join(self.shapes)}, not {', '.join(shapes)}")

    def initialise(self, examples: Iterable[FeatureBatch]) -> None:
        """Choose initial values by the features of training images; called before each training that does not resume.

        Values that came with the weights that the training starts from are to be kept.

        Args:
            examples: batches of features. Each iteration runs the front anew, and gives the same; without one, nothing
                is computed.
        """

    @abstractmethod
    def reduce(self, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """On the mobile side: features -> what is quantised and coded, under the same names.

        Args:
            features: (B, C, N, M) of each tensor that is sent, by the layer that makes it.

        Returns:
            (B, C', N', M') of each. What is sent for one image depends on its own features only.
        """

    @abstractmethod
    def restore(self, features: Mapping[str, Tensor], steps: Tensor) -> dict[str, Tensor]:
        """In the cloud: what was decoded -> features of the shapes that the back takes, under the same names.

        Args:
            features: (B, C', N', M') of each tensor.
            steps: (B,) how coarsely each image was coded: the codec's step as a share of the range of its samples; 0
                where the codec lost nothing.
        """

    def identity(self) -> Iterator[bytes]:
        """All that its outputs depend on: the class, its weights, and the plain attributes of it and of its modules.

        Raises:
            OptionError: an attribute's ``repr`` is another in every process.
        """
        for path, module in self.named_modules():
            kind = type(module)
            yield f"{path} {kind.__module__}.{kind.__qualname__}".encode()
            if isinstance(module, Dropout):  # it changes nothing that is sent, and its stream is of one step
                continue
            for name in sorted(vars(module).keys() - vars(nn.Module()).keys()):
                yield self._in_words(f"{path}.{name}".lstrip("."), getattr(module, name)).encode()
        for name, tensor in (*self.named_parameters(), *self.named_buffers()):
            yield name.encode()
            yield tensor.detach().cpu().numpy().tobytes()

    def _in_words(self, name: str, value: object) -> str:
        if callable(value) and hasattr(value, "__qualname__"):  # its repr has its address
            return f"{name}={value.__module__}.{value.__qualname__}"
        words = f"{name}={value.tolist() if isinstance(value, Tensor) else value!r}"
        if " at 0x" in words:
            raise OptionError(f"{self} keeps {words}, which is another in every process: give its class a __repr__")
        return words

    def only_reducing(self) -> list[nn.Parameter]:
        """The parameters that `restore` does not use: they learn nothing where the gradient stops at the codec."""
        assert self.shapes is not None
        trial = deepcopy(self).eval()
        learning = {name: parameter for name, parameter in trial.named_parameters() if parameter.requires_grad}
        with torch.no_grad():
            reduced = trial.reduce({name: torch.zeros(1, *shape) for name, shape in self.shapes.items()})
        with torch.enable_grad():
            total = torch.stack([tensor.sum() for tensor in trial.restore(reduced, torch.zeros(1)).values()]).sum()
        if not total.requires_grad:
            return list(self.parameters())
        gradients = torch.autograd.grad(total, list(learning.values()), allow_unused=True)
        both = zip(learning, gradients, strict=True)
        return [self.get_parameter(name) for name, gradient in both if gradient is None]
