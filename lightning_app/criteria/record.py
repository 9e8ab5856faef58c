"""Everything that one training step has made, for a criterion to judge."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from lightning_app.data import Target
from lightning_app.graph import SplitDetector


@dataclass(frozen=True, eq=False)
class TrainingRecord:
    """One training step of B images, at each of which gradients may start.

    Attributes:
        network: that is trained, in training mode. Its ``seen`` counts these images already.
        images: (B, 3, H, W) in [0, 1], the network's input.
        targets: what is known of each image.
        raws: the raw heads, each (B, channels, N, M), that the back made of decoded features; without a channel, of
            the images.
        features: (B, C, N, M) of each tensor that crosses, by the layer that made it, before the channel; empty
            without a channel.
        decoded: the same behind the channel, of the same names and shapes.
        sent: (B, C', N', M') of each tensor that is quantised: the features, or what a feature transform makes of
            them; empty where nothing was coded.
        bits: (B,) int64, what each image cost; None where nothing was coded.
        qps: the quantisation parameter that each image was coded at, such as 22 or ``lossless``; empty where nothing
            was coded.
        uncoded: runs the back on the features that were not coded, and gives the raw heads. Every call is a further
            pass: batch norm counts it, and dropout draws anew. Without a channel it gives ``raws``.
    """

    network: SplitDetector
    images: Tensor
    targets: Sequence[Target]
    raws: tuple[Tensor, ...]
    features: Mapping[str, Tensor]
    decoded: Mapping[str, Tensor]
    sent: Mapping[str, Tensor]
    bits: Tensor | None
    qps: Sequence[int | Literal["lossless"]]
    uncoded: Callable[[], tuple[Tensor, ...]]
