"""The two systems that are compared: features that cross a cut, and pictures that go to the cloud whole.

Both submit a training step, give their operating points, name the pool whose processes they use, and the part that must
not learn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from lightning_app.channel import FeatureChannel, QPOption, Transmission
from lightning_app.criteria import TrainingRecord
from lightning_app.data import Batch, Resize, as_channels, fit_picture, to_tensor
from lightning_app.errors import OptionError
from lightning_app.graph import Part, SplitDetector
from lightning_app.pending import Pending
from lightning_app.picture_channel import RGB, PictureChannel, PictureQP
from lightning_app.records.points import Columns, qp_label
from lightning_app.wire import WireFormat


class PointOutput(NamedTuple):
    """A batch at one operating point.

    Attributes:
        label: of the point.
        raws: the network's raw outputs.
        bits: (B,) that each image cost.
    """

    label: str
    raws: tuple[Tensor, ...]
    bits: Tensor


class Collaborative(nn.Module):
    """Front on the mobile side, features through the channel, back in the cloud.

    Args:
        network: to be cut; front and back share its layers.
        channel: where to cut it, and what is in between.

    Attributes:
        crossing: names of the layers whose outputs cross.
    """

    name = "feature"

    def __init__(self, network: SplitDetector, channel: FeatureChannel) -> None:
        super().__init__()
        front, back, self.crossing = network.split(channel.wire.split, channel.wire.passthrough)
        # In a tuple torch does not see them: whoever holds the network has its weights in a checkpoint once, not twice.
        self._parts = (network, front, back)
        channel.split_index = network.node(channel.wire.split).index
        if channel.transform is not None:
            channel.transform.prepare(network.shapes(self.crossing), network)
        self.channel = channel
        self._check()
        self.qps: dict[str, QPOption] = {qp_label(qp): qp for qp in channel.eval_qps}
        self.pool = channel.pool

    @property
    def network(self) -> SplitDetector:
        """The network that is cut."""
        return self._parts[0]

    @property
    def front(self) -> Part:
        """Its mobile side."""
        return self._parts[1]

    @property
    def back(self) -> Part:
        """Its cloud side."""
        return self._parts[2]

    @property
    def wire(self) -> WireFormat:
        """What the channel sends."""
        return self.channel.wire

    @property
    def frozen(self) -> Part | None:
        """What must not learn."""
        return self.front if self.channel.gradient == "stop" else None

    def _check(self) -> None:
        """Refuse now what would fail at the first picture."""
        self.channel.wire.check_layout(self.network.shapes(self.crossing))
        if self.channel.gradient == "stop" and not list(self.back.parameters()):
            raise OptionError(
                f"nothing behind {self.channel.wire.split} can learn: cut earlier, or take another gradient"
            )

    def features(self, images: Tensor) -> dict[str, Tensor]:
        """Images (B, C, H, W) -> the tensors to send, by the layers that made them."""
        return dict(zip(self.crossing, self.front((images,)), strict=True))

    def submit(self, batch: Batch, seed: int, epoch: int) -> Pending[TrainingRecord]:
        """Run the front, and begin to code each picture's features at a QP of its own.

        Args:
            batch: of training.
            seed: of the QPs.
            epoch: number of the epoch.

        Returns:
            what the back makes of them; it runs when the result is asked for.
        """
        features = self.features(batch["images"])
        indices = [target["index"] for target in batch["targets"]]
        coding = self.channel.submit_training(features, seed, epoch, indices)
        return coding.then(lambda received: self._record(batch, features, received))

    def _record(self, batch: Batch, features: dict[str, Tensor], received: Transmission) -> TrainingRecord:
        return TrainingRecord(
            self.network,
            batch["images"],
            batch["targets"],
            self.raws(received.features),
            features,
            received.features,
            received.sent,
            received.bits,
            received.qps,
            lambda: self.raws(features),
        )

    def operating_points(self, batch: Batch, resize: Resize) -> Iterator[PointOutput]:  # noqa: ARG002
        """The batch at every QP; the front runs once, and the next points are coded while the caller is at one."""
        features = self.features(batch["images"])
        codings = {label: self.channel.submit(features, [qp] * len(batch["images"])) for label, qp in self.qps.items()}
        for label in list(codings):
            received = codings.pop(label).result()
            assert received.bits is not None
            yield PointOutput(label, self.raws(received.features), received.bits)

    def raws(self, features: dict[str, Tensor]) -> tuple[Tensor, ...]:
        """The raw heads that the back makes of features, (B, C, N, M) by the layers that make the sent tensors."""
        raws: tuple[Tensor, ...] = self.back(tuple(features[name] for name in self.crossing))
        return raws

    def columns(self, qp: object) -> Columns:  # noqa: ARG002
        """What ``points.csv`` says of the system at a QP."""
        return self.channel.wire.columns()


class CloudOnly(nn.Module):
    """The picture crosses, and the whole network runs in the cloud.

    Args:
        network: the detector.
        picture: how pictures are coded; None for the original files.
    """

    name = "cloud-only"

    def __init__(self, network: SplitDetector, picture: PictureChannel | None) -> None:
        super().__init__()
        self._parts = (network,)  # as in Collaborative
        self.picture = picture
        qps = () if picture is None else picture.qps
        self.qps: dict[str, PictureQP | None] = {qp_label(qp): qp for qp in qps} or {"plain": None}
        self.pool = None if picture is None else picture.pool

    @property
    def network(self) -> SplitDetector:
        """The network, which runs whole."""
        return self._parts[0]

    @property
    def frozen(self) -> None:
        """Nothing is kept from learning."""

    @property
    def wire(self) -> None:
        """No features are sent."""

    def submit(self, batch: Batch, seed: int, epoch: int) -> Pending[TrainingRecord]:  # noqa: ARG002
        """The network's pass, which runs when the result is asked for; nothing is coded in training."""
        return Pending(lambda: self._record(batch))

    def _record(self, batch: Batch) -> TrainingRecord:
        raws: tuple[Tensor, ...] = self.network(batch["images"])
        return TrainingRecord(self.network, batch["images"], batch["targets"], raws, {}, {}, {}, None, (), lambda: raws)

    def operating_points(self, batch: Batch, resize: Resize) -> Iterator[PointOutput]:
        """The batch at every QP, each picture coded at its own size and then resized."""
        files = [Path(target["file"]) for target in batch["targets"]]
        for label, qp in self.qps.items():
            if self.picture is None or qp is None:
                images, bits = batch["images"], [8 * file.stat().st_size for file in files]
            else:
                pictures, bits = self.picture.send(files, qp, self.network.channels)
                images = as_inputs(pictures, batch["images"], resize)
            yield PointOutput(label, self.network(images), torch.tensor(bits))

    def columns(self, qp: object) -> Columns:
        """What ``points.csv`` says of the system at a QP."""
        codec = "original" if self.picture is None or qp == "original" else str(self.picture.codec)
        return {
            "split": "",
            "layout": "",
            "codec": codec,
            "depth": "",
            "passthrough": "",
            "zero_min": "",
            "scaling": "",
            "transform": "",
        }


def as_inputs(pictures: Sequence[RGB], like: Tensor, resize: Resize) -> Tensor:
    """Pictures (H, W, 3) -> (B, C, H', W') of the channels and the size and on the device of ``like``."""
    channels, size = like.shape[-3], (like.shape[-2], like.shape[-1])
    fitted = [fit_picture(as_channels(picture, channels), size, resize)[0] for picture in pictures]
    return torch.stack([to_tensor(picture, channels) for picture in fitted]).to(like.device)
