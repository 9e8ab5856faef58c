"""How a picture crosses at one operating point, taken apart so that what was coded is kept and found again.

Both routes have one face: ``pictures`` gives what the codec takes, ``seal`` makes of its payloads what crosses,
``open`` the way back, and ``raws`` is what the network makes of the decoded pictures.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import numpy as np
from torch import Tensor

from lightning_app import __version__
from lightning_app.bitstream import VERSION, SentTensor, pack, unpack
from lightning_app.channel import Prepared, QPOption, codec_qp, features_of
from lightning_app.codecs import Picture
from lightning_app.codecs.base import Coder
from lightning_app.data import Resize, Target, read_picture
from lightning_app.graph import SplitDetector
from lightning_app.systems import CloudOnly, Collaborative, as_inputs

CODE = {**{name: version(name) for name in ("av", "pillow")}, "dfc": __version__, "container": VERSION}
"""What codes and seals; another version may give other bytes."""


@dataclass(frozen=True)
class Model:
    """The network that is measured, and what names it.

    Attributes:
        network: in evaluation mode.
        number: its CRC-32, which a container holds.
        identity: all that its features hang on beside the picture, as a digest.
        resize: how pictures are brought to its input.
    """

    network: SplitDetector
    number: int
    identity: str
    resize: Resize


class Sample:
    """One picture on its way: its file, and what the network makes of it, computed at most once.

    Args:
        image: (1, 3, H, W), the network's input.
        target: of the picture.
        model: the network.
        taps: indices of the layers whose outputs the routes send.
    """

    def __init__(self, image: Tensor, target: Target, model: Model, taps: tuple[int, ...]) -> None:
        self.image, self.target, self.model, self.taps = image, target, model, taps
        self.file = Path(target["file"])
        self._computed: tuple[Tensor, ...] | None = None
        self._prepared: dict[Collaborative, list[Prepared]] = {}

    @cached_property
    def digest(self) -> str:
        """Of the file."""
        return hashlib.sha256(self.file.read_bytes()).hexdigest()

    @cached_property
    def original(self) -> Picture:
        """The picture at its own size, RGB (H, W, 3)."""
        return read_picture(self.file)

    def _outputs(self) -> tuple[Tensor, ...]:
        """One pass of the network: the outputs of the taps, then its own."""
        # Not a cached_property: before Python 3.12 its lock is shared by all samples, whose threads would wait.
        if self._computed is None:
            network = self.model.network
            self._computed = network.tapped(self.image, (*self.taps, *network.outputs))
        return self._computed

    def _features(self, names: Sequence[str]) -> dict[str, Tensor]:
        known = dict(zip(self.taps, self._outputs(), strict=False))
        return {name: known[self.model.network.node(name).index] for name in names}

    def prepared(self, system: Collaborative) -> list[Prepared]:
        """What a system's codec takes of the picture, the same at every QP."""
        if system not in self._prepared:
            self._prepared[system] = system.channel.prepare(self._features(system.crossing))
        return self._prepared[system]

    def uncoded(self) -> tuple[Tensor, ...]:
        """The network's own raw outputs."""
        return self._outputs()[len(self.taps) :]


class Received(NamedTuple):
    """One picture at one operating point, as the cloud has it.

    Attributes:
        data: all that crossed.
        pictures: what the decoder made of its payloads.
    """

    data: bytes
    pictures: list[Picture]


class FeatureRoute:
    """Features cross, in a ``.dfc`` container.

    Args:
        system: where the network is cut, and the channel in between.
        qp: at which to code.
    """

    def __init__(self, system: Collaborative, qp: QPOption) -> None:
        self.system, self.qp, self.channel = system, qp, system.channel
        self.codec: Coder = system.channel.codec
        self.codec_qp = codec_qp(qp)

    def key(self, sample: Sample) -> bytes:
        """A digest of all that the coded bytes hang on."""
        channel = self.channel
        settings = (channel.split, channel.passthrough, channel.layout, channel.group, channel.depth, channel.zero_min)
        inputs = (sample.digest, tuple(sample.image.shape[2:]), sample.model.resize, sample.model.identity)
        return _digest(*inputs, *settings, *_named(self.codec), self.qp)

    def pictures(self, sample: Sample) -> list[Picture]:
        """What the codec takes: a picture, or a video, of each tensor that crosses."""
        return [prepared.picture for prepared in sample.prepared(self.system)]

    def seal(self, sample: Sample, payloads: Sequence[bytes]) -> bytes:
        """The container."""
        prepared, model, target = sample.prepared(self.system), sample.model, sample.target
        header = self.channel.header(self.qp, model.number, target["size"], model.resize == "letterbox")
        return pack(header, [SentTensor(p.shape, p.lo, p.hi, data) for p, data in zip(prepared, payloads, strict=True)])

    def open(self, data: bytes) -> list[bytes]:
        """The payloads in a container."""
        return [tensor.payload for tensor in unpack(data)[1]]

    def raws(self, sample: Sample, received: Received) -> tuple[Tensor, ...]:
        """What the cloud computes from a container and the decoded pictures of its payloads."""
        header, tensors = unpack(received.data)
        both = zip(tensors, received.pictures, strict=True)
        features = [features_of(header, tensor, picture).to(sample.image.device) for tensor, picture in both]
        raws: tuple[Tensor, ...] = self.system.back(features)
        return raws


class PictureRoute:
    """The picture itself crosses, coded.

    Args:
        system: the codec of pictures.
        qp: at which to code.
    """

    def __init__(self, system: CloudOnly, qp: QPOption) -> None:
        assert system.picture is not None
        self.system, self.qp = system, qp
        self.codec: Coder = system.picture.codec
        self.codec_qp = codec_qp(qp)

    def key(self, sample: Sample) -> bytes:
        """A digest of all that the coded bytes hang on: not the network."""
        return _digest(sample.digest, *_named(self.codec), self.qp)

    def pictures(self, sample: Sample) -> list[Picture]:
        """What the codec takes: the picture at its own size, RGB (H, W, 3)."""
        return [sample.original]

    def seal(self, sample: Sample, payloads: Sequence[bytes]) -> bytes:  # noqa: ARG002
        """The payload: it says all."""
        return payloads[0]

    def open(self, data: bytes) -> list[bytes]:
        """The payload."""
        return [data]

    def raws(self, sample: Sample, received: Received) -> tuple[Tensor, ...]:
        """What the cloud computes from the decoded picture."""
        pictures = [np.asarray(picture, np.uint8) for picture in received.pictures]
        images = as_inputs(pictures, sample.image, sample.model.resize)
        raws: tuple[Tensor, ...] = sample.model.network(images)
        return raws


Route = FeatureRoute | PictureRoute


def _named(codec: Coder) -> tuple[object, ...]:
    """A codec with all its settings."""
    return type(codec).__qualname__, *sorted(vars(codec).items())


def _digest(*parts: object) -> bytes:
    """SHA-256 of what is coded and how, the libraries that code included."""
    return hashlib.sha256(json.dumps([*map(str, parts), CODE]).encode()).digest()
