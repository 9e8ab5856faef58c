"""The way of a picture to the cloud at one operating point, in steps, so that what was coded is kept and found again.

Both links have one face: ``pictures`` gives what the codec takes, ``seal`` makes of its payloads the bytes that are
sent, ``open`` the way back, and ``raws`` is what the network makes of the decoded pictures.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lightning_app import __version__
from lightning_app.bitstream import VERSION, ContainerHeader, SentTensor, pack, unpack
from lightning_app.channel import CodecInput, QPOption, codec_qp, features_of
from lightning_app.codecs import Picture
from lightning_app.codecs.base import Coder
from lightning_app.data import Resize, Target, as_channels, read_picture
from lightning_app.graph import Shape, SplitDetector
from lightning_app.identity import codec_key, model_id
from lightning_app.systems import CloudOnly, Collaborative, as_inputs
from lightning_app.transforms import FeatureTransform
from lightning_app.transforms.shapes import sent_shapes

CODE = {**{name: version(name) for name in ("av", "pillow")}, "dfc": __version__, "container": VERSION}
"""What codes and seals; another version may give other bytes."""
OF_TRUTH = ("boxes", "labels", "difficult", "voc_boxes", "class_only")
"""What a target says of the objects."""


@dataclass(frozen=True)
class Model:
    """The network that is measured, and what names it.

    Attributes:
        network: in evaluation mode.
        identity: all that its features depend on beside the picture, as a digest.
        resize: how pictures are brought to its input.
        numbers: that `number` has computed.
        shapes: of what systems send of pictures of a size, (H, W), as far as somebody asked.
    """

    network: SplitDetector
    identity: str
    resize: Resize
    numbers: dict[FeatureTransform | None, int] = field(default_factory=dict)
    shapes: dict[tuple[Collaborative, tuple[int, int]], list[Shape]] = field(default_factory=dict)

    def number(self, transform: FeatureTransform | None) -> int:
        """CRC-32 of the network and a transform, for containers; computed once, as it takes all weights."""
        if transform not in self.numbers:
            self.numbers[transform] = model_id(self.network, transform)
        return self.numbers[transform]


class Photo:
    """One picture of the test set on its way: its file, and what the network makes of it, computed at most once.

    Args:
        image: (1, C, H, W), the network's input.
        target: of the picture.
        model: the network.
        taps: indices of the layers whose outputs the links send.
    """

    def __init__(self, image: Tensor, target: Target, model: Model, taps: tuple[int, ...]) -> None:
        self.image, self.target, self.model, self.taps = image, target, model, taps
        self.file = Path(target["file"])
        self._computed: tuple[Tensor, ...] | None = None
        self._inputs: dict[Collaborative, list[CodecInput]] = {}

    @cached_property
    def digest(self) -> str:
        """Of the file."""
        return hashlib.sha256(self.file.read_bytes()).hexdigest()

    @cached_property
    def truth_digest(self) -> bytes:
        """Of all that is known of the picture's objects, from the first time that somebody asks."""
        digest = hashlib.sha256()
        for name in OF_TRUTH:
            digest.update(cast(Tensor, self.target[name]).cpu().numpy().tobytes())  # type: ignore[literal-required]
        return digest.digest()

    @cached_property
    def original(self) -> npt.NDArray[np.uint8]:
        """The picture at its own size, RGB (H, W, 3)."""
        return read_picture(self.file)

    def _outputs(self) -> tuple[Tensor, ...]:
        """One pass of the network: the outputs of the taps, then its own."""
        # Not a cached_property: before Python 3.12 its lock is shared by all photos, whose threads would wait.
        if self._computed is None:
            network = self.model.network
            self._computed = network.tapped(self.image, (*self.taps, *network.outputs))
        return self._computed

    def _features(self, names: Sequence[str]) -> dict[str, Tensor]:
        known = dict(zip(self.taps, self._outputs(), strict=False))
        return {name: known[self.model.network.node(name).index] for name in names}

    def codec_inputs(self, system: Collaborative) -> list[CodecInput]:
        """What a system's codec takes of the picture, the same at every QP."""
        if system not in self._inputs:
            self._inputs[system] = system.channel.codec_inputs(self._features(system.crossing))
        return self._inputs[system]

    def sent_shapes(self, system: Collaborative) -> list[Shape]:
        """C, N, M of each tensor that a system sends of the picture."""
        size = self.image.shape[2], self.image.shape[3]
        if (system, size) not in self.model.shapes:
            self.model.shapes[system, size] = self._sent_shapes(system, size)
        return self.model.shapes[system, size]

    def _sent_shapes(self, system: Collaborative, size: tuple[int, int]) -> list[Shape]:
        network = self.model.network
        if size == network.size:
            crossing = network.shapes(system.crossing)
        else:  # what another size makes of them, only a pass can say
            features = system.features(torch.zeros_like(self.image))
            crossing = {name: (v.shape[1], v.shape[2], v.shape[3]) for name, v in features.items()}
        return list(sent_shapes(system.channel.transform, crossing).values())

    def uncoded(self) -> tuple[Tensor, ...]:
        """The network's own raw outputs."""
        return self._outputs()[len(self.taps) :]


class Delivery(NamedTuple):
    """One picture at one operating point, as the cloud has it.

    Attributes:
        data: all that was sent.
        pictures: what the decoder made of its payloads.
    """

    data: bytes
    pictures: list[Picture]


class FeatureLink:
    """Sends features, in a ``.dfc`` container.

    Args:
        system: where the network is cut, and the channel in between.
        qp: at which to code.
    """

    def __init__(self, system: Collaborative, qp: QPOption) -> None:
        self.system, self.qp, self.channel = system, qp, system.channel
        self.codec: Coder = system.channel.wire.codec
        self.codec_qp = codec_qp(qp)

    @cached_property
    def format_key(self) -> list[str]:
        """Of everything that is sent; asked for once the weights stand, which a transform's part depends on."""
        return self.channel.wire.key()

    def key(self, photo: Photo) -> bytes:
        """A digest of all that the coded bytes depend on."""
        inputs = (photo.digest, tuple(photo.image.shape[2:]), photo.model.resize, photo.model.identity)
        return _digest(*inputs, *self.format_key, self.qp)

    def pictures(self, photo: Photo) -> list[Picture]:
        """What the codec takes: a picture, or a video, of each tensor that is sent."""
        return [one.picture for one in photo.codec_inputs(self.system)]

    def seal(self, photo: Photo, payloads: Sequence[bytes]) -> bytes:
        """The container."""
        size, letterbox = photo.target["size"], photo.model.resize == "letterbox"
        header = self.channel.header(self.qp, photo.model.number(self.channel.transform), size, letterbox)
        inputs = zip(photo.codec_inputs(self.system), payloads, strict=True)
        return pack(header, [SentTensor(one.shape, one.lo, one.hi, data) for one, data in inputs])

    def open(self, photo: Photo, data: bytes) -> list[bytes]:
        """The payloads in a container."""
        return [tensor.payload for tensor in self._unpacked(photo, data)[1]]

    def raws(self, photo: Photo, delivery: Delivery) -> tuple[Tensor, ...]:
        """What the cloud computes from a container and the decoded pictures of its payloads."""
        header, tensors = self._unpacked(photo, delivery.data)
        both = zip(tensors, delivery.pictures, strict=True)
        features = [features_of(header, tensor, picture).to(photo.image.device) for tensor, picture in both]
        decoded = dict(zip(self.system.crossing, features, strict=True))
        restored = self.channel.wire.restore(decoded, [header.qp])
        return self.system.raws(restored)

    def _unpacked(self, photo: Photo, data: bytes) -> tuple[ContainerHeader, list[SentTensor]]:
        return unpack(data, photo.model.number(self.channel.transform), photo.sent_shapes(self.system))


class PictureLink:
    """Sends the picture itself, coded.

    Args:
        system: the codec of pictures.
        qp: at which to code.
    """

    def __init__(self, system: CloudOnly, qp: QPOption) -> None:
        assert system.picture is not None
        self.system, self.qp = system, qp
        self.codec: Coder = system.picture.codec
        self.codec_qp = codec_qp(qp)

    def key(self, photo: Photo) -> bytes:
        """A digest of all that the coded bytes depend on: of the network, whether it sees grey pictures."""
        grey = ["grey"] if photo.model.network.channels == 1 else []
        return _digest(photo.digest, codec_key(self.codec), self.qp, *grey)

    def pictures(self, photo: Photo) -> list[Picture]:
        """What the codec takes: the picture at its own size, RGB (H, W, 3), grey where the network takes it so."""
        return [as_channels(photo.original, photo.model.network.channels)]

    def seal(self, photo: Photo, payloads: Sequence[bytes]) -> bytes:  # noqa: ARG002
        """The payload: it says all."""
        return payloads[0]

    def open(self, photo: Photo, data: bytes) -> list[bytes]:  # noqa: ARG002
        """The payload."""
        return [data]

    def raws(self, photo: Photo, delivery: Delivery) -> tuple[Tensor, ...]:
        """What the cloud computes from the decoded picture."""
        pictures = [np.asarray(picture, np.uint8) for picture in delivery.pictures]
        images = as_inputs(pictures, photo.image, photo.model.resize)
        raws: tuple[Tensor, ...] = photo.model.network(images)
        return raws


Link = FeatureLink | PictureLink


def _digest(*parts: object) -> bytes:
    """SHA-256 of what is coded and how, the libraries that code included."""
    return hashlib.sha256(json.dumps([*map(str, parts), CODE]).encode()).digest()
