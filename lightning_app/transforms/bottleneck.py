"""A learned bottleneck: convolutions to fewer channels, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lightning_app.errors import OptionError
from lightning_app.graph import Shape
from lightning_app.transforms.components import Components, check_sensitivity, find_components
from lightning_app.transforms.examples import FeatureBatch
from lightning_app.transforms.found import FoundTransform


class Bottleneck(FoundTransform):
    """Sends fewer channels, and with a stride fewer positions, by one convolution on each side, which learn by a fit.

    They start as the principal components of the largest variance, found as by `KLT` on training images before the
    first step, so that a training begins with what can be had without any.

    Args:
        channels: that are sent, at least 1 and at most as many as the layer has.
        kernel: side of both convolutions: 1 or 3.
        stride: each N×M is sent as about N/stride × M/stride; 1 for all positions.
        sensitivity: of the initial components, see `KLT`.
    """

    def __init__(self, channels: int, kernel: int = 1, stride: int = 1, sensitivity: float = 0.5) -> None:
        super().__init__()
        if channels < 1:
            raise OptionError(
                f"channels must be at least 1, not {channels}: it is the number of channels that are sent"
            )
        if kernel not in (1, 3):
            raise OptionError(f"kernel must be 1 or 3, not {kernel}")
        if stride < 1:
            raise OptionError(f"stride must be at least 1, not {stride}")
        self.channels, self.kernel, self.stride = channels, kernel, stride
        self.sensitivity = check_sensitivity(sensitivity)

    def __str__(self) -> str:
        """Its name, with channels, kernel and stride."""
        return f"Bottleneck({'/'.join(map(str, (self.channels, self.kernel, self.stride)))})"

    def build(self, shapes: Mapping[str, Shape]) -> None:
        """One convolution on each side for each tensor that is sent."""
        super().build(shapes)
        for name, (c, _, _) in shapes.items():
            if self.channels > c:
                raise OptionError(f"{self} would send more channels than the {c} of {name}: give fewer channels")
        around = self.kernel // 2
        self.down = nn.ModuleList(
            nn.Conv2d(c, self.channels, self.kernel, self.stride, around) for c, _, _ in shapes.values()
        )
        self.up = nn.ModuleList(nn.Conv2d(self.channels, c, self.kernel, padding=around) for c, _, _ in shapes.values())
        self.sizes = [(n, m) for _, n, m in shapes.values()]

    def find(self, examples: Iterable[FeatureBatch], channels: list[int]) -> None:
        """Begin with principal components."""
        found = find_components(channels, examples, self.sensitivity)
        for down, up, components in zip(self.down, self.up, found, strict=True):
            assert isinstance(down, nn.Conv2d) and isinstance(up, nn.Conv2d)  # noqa: PT018
            self._set(down, up, components)

    def _set(self, down: nn.Conv2d, up: nn.Conv2d, components: Components) -> None:
        middle, k = self.kernel // 2, self.channels
        assert down.bias is not None
        assert up.bias is not None
        with torch.no_grad():
            for layer, weight in ((down, components.weight[:k]), (up, components.inverse[:, :k])):
                layer.weight.zero_()
                layer.weight[:, :, middle, middle] = weight.to(layer.weight)
            down.bias.copy_(-(components.weight @ components.mean)[:k])
            up.bias.copy_(components.mean)

    def reduce(self, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """(B, C, N, M) -> (B, channels, ⌈N/stride⌉, ⌈M/stride⌉)."""
        return {name: down(v) for (name, v), down in zip(features.items(), self.down, strict=True)}

    def restore(self, features: Mapping[str, Tensor], steps: Tensor) -> dict[str, Tensor]:  # noqa: ARG002
        """The inverse in shape: (B, C, N, M)."""
        parts = zip(features.items(), self.up, self.sizes, strict=True)
        return {name: up(self._enlarged(v, size)) for (name, v), up, size in parts}

    def _enlarged(self, v: Tensor, size: tuple[int, int]) -> Tensor:
        """To the positions of the network's own input size, or of another input that the stride divides."""
        if self.stride == 1:
            return v
        n, m = v.shape[-2:]
        own = (n, m) == tuple(-(-side // self.stride) for side in size)
        return F.interpolate(v, size if own else (n * self.stride, m * self.stride), mode="bilinear")
