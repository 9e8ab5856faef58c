"""The two systems that are compared: features that cross a cut, and pictures that go to the cloud whole.

Both begin and finish a training step, give their operating points, name the pool whose processes they use, and the part
that must not learn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypedDict

import torch
from torch import Tensor

from lightning_app.channel import FeatureChannel, QPOption
from lightning_app.data import Batch, Resize, fit_picture, to_tensor
from lightning_app.errors import OptionError
from lightning_app.graph import SplitDetector
from lightning_app.picture_channel import RGB, PictureChannel, PictureQP
from lightning_app.records.points import qp_label
from lightning_app.tiling import layout_name, picture_shape


class Measured(NamedTuple):
    """A batch at one operating point.

    Attributes:
        label: of the point.
        raws: the network's raw outputs.
        bits: (B,) that each image cost.
    """

    label: str
    raws: tuple[Tensor, ...]
    bits: Tensor


Trained = tuple[tuple[Tensor, ...], Tensor | None]
"""What a training step makes of B images: raw outputs, and the bits (B,) that each cost if anything was coded."""


class Columns(TypedDict):
    """What ``points.csv`` says of a system at one QP."""

    split: str
    layout: str
    codec: str
    depth: str


class Collaborative:
    """Front on the mobile side, features through the channel, back in the cloud.

    Args:
        network: to be cut; front and back share its layers.
        channel: where to cut it, and what is in between.
    """

    name = "feature"

    def __init__(self, network: SplitDetector, channel: FeatureChannel) -> None:
        self.network, self.channel = network, channel
        self.front, self.back, self.crossing = network.split(channel.split, channel.passthrough)
        self._check()
        self.qps: dict[str, QPOption] = {qp_label(qp): qp for qp in channel.eval_qps}
        self.pool = channel.pool
        self.frozen = self.front if channel.gradient == "stop" else None

    def _check(self) -> None:
        """Refuse now what would fail at the first picture."""
        for name in self.crossing:
            picture_shape(self.network.node(name).shape, self.channel.layout, self.channel.group)
        if self.channel.gradient == "stop" and not list(self.back.parameters()):
            raise OptionError(f"nothing behind {self.channel.split} can learn: cut earlier, or take another gradient")

    def features(self, images: Tensor) -> dict[str, Tensor]:
        """Images (B, 3, H, W) -> what crosses, by the layer that made it."""
        return dict(zip(self.crossing, self.front((images,)), strict=True))

    def begin(self, images: Tensor, seed: int, epoch: int, indices: Sequence[int]) -> Callable[[], Trained]:
        """Run the front, and begin to code each picture's features at a QP of their own.

        Returns:
            what waits for the coding, to be called once, and runs the back.
        """
        coding = self.channel.augment(self.features(images), seed, epoch, indices)

        def finish() -> Trained:
            decoded, bits = coding()
            return self.back(tuple(decoded.values())), bits

        return finish

    def operating_points(self, batch: Batch, resize: Resize) -> Iterator[Measured]:  # noqa: ARG002
        """The batch at every QP; the front runs once, and the next points are coded while the caller is at one."""
        features = self.features(batch["images"])
        codings = {label: self.channel.begin(features, [qp] * len(batch["images"])) for label, qp in self.qps.items()}
        for label, coding in codings.items():
            decoded, bits = coding()
            yield Measured(label, self.back(tuple(decoded.values())), bits)

    def columns(self, qp: object) -> Columns:  # noqa: ARG002
        """What ``points.csv`` says of the system at a QP."""
        channel = self.channel
        layout = layout_name(channel.layout, channel.group)
        return {"split": channel.split, "layout": layout, "codec": str(channel.codec), "depth": str(channel.depth)}


class CloudOnly:
    """The picture crosses, and the whole network runs in the cloud.

    Args:
        network: the detector.
        picture: how pictures are coded; None for the original files.
    """

    name = "cloud-only"

    def __init__(self, network: SplitDetector, picture: PictureChannel | None) -> None:
        self.network, self.picture = network, picture
        qps = () if picture is None else picture.qps
        self.qps: dict[str, PictureQP | None] = {qp_label(qp): qp for qp in qps} or {"plain": None}
        self.pool = None if picture is None else picture.pool
        self.frozen = None

    def begin(
        self,
        images: Tensor,
        seed: int,  # noqa: ARG002
        epoch: int,  # noqa: ARG002
        indices: Sequence[int],  # noqa: ARG002
    ) -> Callable[[], Trained]:
        """What runs the network, when it is called; nothing is coded in training."""
        return lambda: (self.network(images), None)

    def operating_points(self, batch: Batch, resize: Resize) -> Iterator[Measured]:
        """The batch at every QP, each picture coded at its own size and then resized."""
        files = [Path(target["file"]) for target in batch["targets"]]
        for label, qp in self.qps.items():
            if self.picture is None or qp is None:
                images, bits = batch["images"], [8 * file.stat().st_size for file in files]
            else:
                pictures, bits = self.picture.send(files, qp)
                images = as_inputs(pictures, batch["images"], resize)
            yield Measured(label, self.network(images), torch.tensor(bits))

    def columns(self, qp: object) -> Columns:
        """What ``points.csv`` says of the system at a QP."""
        codec = "original" if self.picture is None or qp == "original" else str(self.picture.codec)
        return {"split": "", "layout": "", "codec": codec, "depth": ""}


def as_inputs(pictures: Sequence[RGB], like: Tensor, resize: Resize) -> Tensor:
    """Pictures (H, W, 3) -> (B, 3, H', W') of the size and on the device of ``like``."""
    size = (like.shape[-2], like.shape[-1])
    return torch.stack([to_tensor(fit_picture(picture, size, resize)[0]) for picture in pictures]).to(like.device)
