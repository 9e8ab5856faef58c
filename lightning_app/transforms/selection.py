"""Fewer channels: some are sent, and the cloud predicts the others from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from lightning_app.graph import Shape
from lightning_app.transforms.examples import FeatureBatch
from lightning_app.transforms.feature_statistics import gather_statistics
from lightning_app.transforms.some_channels import SomeChannels

SMALL = 1e-9
"""Share of the largest variance below which what is left of a channel counts as nothing."""


class ChannelSelection(SomeChannels):
    """Sends some channels; in the cloud each of the others is a linear combination of them, which a fit improves.

    The channels are chosen one after the other, each time the one whose knowledge leaves least squared error in all the
    others. The combinations begin as those of least squared error, found on training images before the first training
    or measurement, and they learn with the network.

    H. Choi, R. A. Cohen and I. V. Bajić, "Back-and-forth prediction for deep tensor compression", ICASSP 2020, predict
    the unsent channels too. Their prediction goes back through the layer before the cut, and forth again, as that of
    `BackAndForth`. This one does not.

    Args:
        keep: share of the channels that are sent, above 0 and up to 1.
    """

    def __init__(self, keep: float = 0.5) -> None:
        super().__init__(keep)

    def build(self, shapes: Mapping[str, Shape]) -> None:
        """Beside the kept channels' numbers, one 1×1 convolution for each tensor that is sent."""
        super().build(shapes)
        self.predictions = nn.ModuleList(
            nn.Conv2d(len(self.kept(i)), c, 1) for i, (c, _, _) in enumerate(shapes.values())
        )

    def find(self, examples: Iterable[FeatureBatch], channels: list[int]) -> None:
        """Choose the channels, and predict the others."""
        for i, statistics in enumerate(gather_statistics(channels, examples, probed=False)):
            kept, prediction = self.kept(i), self._prediction(i)
            kept.copy_(choose_channels(statistics.covariance, len(kept)))
            chosen = kept.cpu()
            joint = statistics.covariance[chosen]  # (K, C)
            weight = torch.linalg.lstsq(joint[:, chosen], joint, driver="gelsd").solution.T  # (C, K)
            weight[chosen] = torch.eye(len(chosen), dtype=weight.dtype)  # as they were sent
            assert prediction.bias is not None
            with torch.no_grad():
                prediction.weight.copy_(weight[:, :, None, None])
                prediction.bias.copy_(statistics.mean - weight @ statistics.mean[chosen])

    def restore(self, features: Mapping[str, Tensor], steps: Tensor) -> dict[str, Tensor]:  # noqa: ARG002
        """(B, kept, N, M) -> (B, C, N, M)."""
        return {name: self._prediction(i)(v) for i, (name, v) in enumerate(features.items())}

    def _prediction(self, i: int) -> nn.Conv2d:
        prediction = self.predictions[i]
        assert isinstance(prediction, nn.Conv2d)
        return prediction


def choose_channels(covariance: Tensor, count: int) -> Tensor:
    """Numbers (count,) of channels, ascending, from which the others can be predicted well.

    Args:
        covariance: (C, C) of the channels.
        count: how many, at most C.
    """
    left, chosen = covariance.clone(), list[int]()  # what the chosen ones leave unexplained
    for _ in range(count):
        variances = left.diagonal()
        explained = (left**2).sum(dim=0) / variances.clamp(min=SMALL * covariance.diagonal().max())
        explained[chosen] = -1
        best = int(explained.argmax())
        chosen.append(best)
        if variances[best] > SMALL * covariance.diagonal().max():
            left = left - left[:, best].outer(left[best]) / variances[best]
    return torch.tensor(sorted(chosen))
