"""Fewer channels: the cloud predicts the others back through the last convolution before the cut, and forth again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lightning_app.errors import OptionError
from lightning_app.graph import Shape, SplitDetector
from lightning_app.graph.last_layers import last_layers
from lightning_app.transforms.correction import KERNELS, convolve_faster
from lightning_app.transforms.examples import FeatureBatch
from lightning_app.transforms.feature_statistics import gather_statistics
from lightning_app.transforms.frozen import FrozenLayers
from lightning_app.transforms.regression import Regression
from lightning_app.transforms.selection import choose_channels
from lightning_app.transforms.some_channels import SomeChannels


class BackAndForth(SomeChannels):
    """Sends some channels; in the cloud the others come from a prediction of what the last convolution has taken.

    H. Choi, R. A. Cohen and I. V. Bajić, "Back-and-forth prediction for deep tensor compression", ICASSP 2020. A small
    network goes back: from the channels that were sent it predicts the input of the last convolution before the cut.
    Then this convolution, and what stands between it and the cut, go forth: copies of the network's own layers, with
    the weights that the network had when the values were found. They give all channels. Those that were sent stay as
    they were decoded.

    The channels are chosen as by `ChannelSelection`. The network that goes back begins as the 3×3 convolution of least
    squared error, found on training images before the first training or measurement. A fit trains it, and beside it two
    convolutions with a leaky ReLU in between, which begin as no change.

    Args:
        keep: share of the channels that are sent, above 0 and up to 1.
        width: channels between the two convolutions that only a fit finds, at least 1.
    """

    def __init__(self, keep: float = 0.25, width: int = 64) -> None:
        super().__init__(keep)
        if width < 1:
            raise OptionError(
                f"width must be at least 1, not {width}: it is the number of channels between two convolutions"
            )
        self.width = width

    def __str__(self) -> str:
        """Its name, with the share and the width."""
        return f"BackAndForth({self.keep:g}/{self.width})"

    def build_in(self, network: SplitDetector | None, shapes: Mapping[str, Shape]) -> None:
        """Beside the kept channels' numbers, the way back and the way forth of each tensor that is sent.

        Raises:
            OptionError: the tensors are not those of layers, or no single convolution leads to one of them.
        """
        if network is None:
            raise OptionError(f"{self} predicts through the layers before the cut: let it be the first of its chain")
        self.build(shapes)
        backs, forths = [], []
        for i, (name, shape) in enumerate(shapes.items()):
            last = last_layers(network, name)
            backs.append(_Back(len(self.kept(i)), last.taken[0], _scale(name, shape, last.taken), self.width))
            forths.append(FrozenLayers(last.layers))
        self.backs, self.forths = nn.ModuleList(backs), nn.ModuleList(forths)

    def find(self, examples: Iterable[FeatureBatch], channels: list[int]) -> None:
        """Choose the channels, copy the layers' weights, and begin the way back as a linear prediction."""
        for i, statistics in enumerate(gather_statistics(channels, examples, probed=False)):
            self.kept(i).copy_(choose_channels(statistics.covariance, len(self.kept(i))))
        regressions = [back.regression() for back in self._backs()]
        for batch in examples:
            assert batch.network is not None
            assert batch.images is not None
            for i, (name, v) in enumerate(batch.features.items()):
                last = last_layers(batch.network, name)
                cast(FrozenLayers, self.forths[i]).copy(last.layers)
                with torch.no_grad():
                    (taken,) = batch.network.tapped(batch.images, (last.source,))
                regressions[i].add(v[:, self.kept(i)], F.pixel_unshuffle(taken, self._backs()[i].scale))
        for back, regression in zip(self._backs(), regressions, strict=True):
            regression.solve(back.linear)

    def restore(self, features: Mapping[str, Tensor], steps: Tensor) -> dict[str, Tensor]:  # noqa: ARG002
        """(B, kept, N, M) -> (B, C, N, M)."""
        return {name: self._restored(i, v) for i, (name, v) in enumerate(features.items())}

    def _restored(self, i: int, v: Tensor) -> Tensor:
        whole: Tensor = self.forths[i](self.backs[i](v)).to(v.dtype)
        return whole.index_copy(1, self.kept(i), v)

    def _backs(self) -> list[_Back]:
        return list(self.backs)  # type: ignore[arg-type]


class _Back(nn.Module):
    """The way back of one tensor.

    Args:
        channels: K that are sent.
        taken: C' of what the convolution before the cut takes.
        scale: how many times more rows, and columns, this has.
        width: channels between the two convolutions.
    """

    def __init__(self, channels: int, taken: int, scale: int, width: int) -> None:
        super().__init__()
        self.scale, outputs = scale, taken * scale**2
        ends = ((channels, outputs), (channels, width), (width, outputs))
        self.linear, self.enter, self.leave = (nn.Conv2d(*both, 3, padding=1) for both in ends)
        with torch.no_grad():
            for parameter in self.enter.parameters():
                parameter.div_(KERNELS)
            for parameter in self.leave.parameters():
                parameter.zero_()

    def regression(self) -> Regression:
        """For the linear part."""
        return Regression(self.linear.in_channels, self.linear.out_channels)

    def forward(self, v: Tensor) -> Tensor:
        """(B, K, N, M) -> (B, C', scale·N, scale·M)."""
        hidden = F.leaky_relu(convolve_faster(self.enter, v), 0.1)
        return F.pixel_shuffle(self.linear(v) + convolve_faster(self.leave, hidden), self.scale)


def _scale(name: str, shape: Shape, taken: Shape) -> int:
    """How many times more rows and columns the convolution takes than the layer gives."""
    (_, n, m), (_, rows, columns) = shape, taken
    if (rows, columns) != (rows // n * n, rows // n * m):
        raise OptionError(
            f"{name} has {n}×{m} positions and the convolution before it takes {rows}×{columns}, which is no whole "
            "multiple: cut elsewhere, or take another transform"
        )
    return rows // n
