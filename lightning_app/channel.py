"""The feature channel: reduce → quantise → tile → encode → decode → untile → inverse quantise → restore.

This is Fig. 2(c) of the paper between the mobile side and the cloud, Fig. 2(b) at QP ``lossless``, and Fig. 2(a) with
float32 samples. A gradient passes through it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from lightning_app.bitstream import ContainerHeader, SentTensor, pack
from lightning_app.codecs import HEVC, QP, Codec, CodecPool, CodedPicture, Raw, check_picklable
from lightning_app.codecs.base import FLOAT, Picture
from lightning_app.errors import FeatureError, OptionError
from lightning_app.gradient import Gradient, add_uniform_noise, attach
from lightning_app.graph import Passthrough
from lightning_app.pending import Pending, done
from lightning_app.pictures import QuantisedTensor, to_features, to_pictures, to_samples, to_tensor
from lightning_app.scaling import Scaling
from lightning_app.tiling import Layout
from lightning_app.transforms import FeatureTransform
from lightning_app.wire import WireFormat

QPOption = int | Literal["lossless"]
"""A quantisation parameter as a person writes it."""


class CodecInput(NamedTuple):
    """One image's tensor, ready for the codec.

    Attributes:
        name: of the layer that made it.
        shape: C, N, M of what is quantised.
        lo: the minimum.
        hi: the maximum.
        picture: its quantised samples, laid out.
    """

    name: str
    shape: tuple[int, int, int]
    lo: float
    hi: float
    picture: Picture


class Transmission(NamedTuple):
    """What the cloud makes of the features of B images, and what that cost.

    Attributes:
        features: (B, C, N, M) by the name of the layer that made them.
        bits: (B,) int64 that each image cost; None where nothing was coded.
        qps: B quantisation parameters, one per image; none where nothing was coded.
        sent: (B, C', N', M') of each tensor as it was quantised, before the codec; none where nothing was coded.
    """

    features: dict[str, Tensor]
    bits: Tensor | None
    qps: tuple[QPOption, ...]
    sent: dict[str, Tensor]


class FeatureChannel(nn.Module):
    """Sends features through a real codec, in worker processes that stay open between batches.

    Args:
        split: name of the layer behind which the network is cut, such as ``max_7``.
        depth: bits per sample of the quantiser, 8, 10 or 12; 32 sends float32 samples without a quantiser.
        qps: list from which training draws one QP per picture: quantisation parameters of 0 to 51 or ``lossless`` for
            HEVC and AVC, qualities of 1 to 100 for JPEG, only ``lossless`` for PNG, JPEGLS, JPEGXL, LZMA and Raw.
        eval_qps: list of the QPs at which validation and test measure; null for the same as ``qps``.
        passthrough: the second tensor that is sent where a later layer joins an earlier one: ``full``, the earlier
            layer itself, or ``reduced``, the smallest output on its way, computed on the mobile side.
        zero_min: whether the range begins at 0, as behind a ReLU; then the minimum is not sent, and negative features
            are refused.
        scaling: range in which a tensor is quantised: ``minmax``, from its minimum to its maximum; ``zscore``, within
            4 standard deviations of its mean; ``clip``, where the squared error is least by a model of the features.
        levels: number of levels of the quantiser, 2 to 2^depth; null for 2^depth.
        layout: arrangement of the channels in the coded picture: ``tiled`` (Fig. 3a of the paper), ``quilted`` (its
            Fig. 3b), or ``frames``, a video of the channels.
        group: number of channels in one frame of the layout ``frames``, 1 or more.
        codec: codec of the features; null for HEVC at ``depth``, or Raw where ``depth`` is 32.
        training_codec: codec of the features in training steps, such as HEVC with the settings ``fastest``, which take
            a quarter of the time; null for ``codec``, by which validation and test always code.
        transform: feature transform, which changes the features before the quantiser, and back in the cloud; null for
            none.
        gradient: way of the gradient through the codec: ``straight_through``, ``stop`` (only the cloud side learns),
            ``noise`` (training codes nothing and adds the quantiser's noise) or ``scaled`` (by the coding error).
        workers: number of codec processes; null for one per core of the machine, shared between its ranks.

    Attributes:
        wire: everything that decides which bytes cross.
        split_index: number of the layer ``split`` in its network, for the container's header.
    """

    def __init__(
        self,
        split: str = "max_7",
        depth: int = 8,
        qps: Sequence[QPOption] = ("lossless", 22, 27, 32, 37),
        eval_qps: Sequence[QPOption] | None = None,
        passthrough: Passthrough = "reduced",
        zero_min: bool = False,
        scaling: Scaling = "minmax",
        levels: int | None = None,
        layout: Layout = "tiled",
        group: int = 1,
        codec: Codec | None = None,
        training_codec: Codec | None = None,
        transform: FeatureTransform | None = None,
        gradient: Gradient = "straight_through",
        workers: int | None = None,
    ) -> None:
        super().__init__()
        codec = codec or (Raw() if depth == FLOAT else HEVC(depth=depth))
        if depth == FLOAT and gradient == "noise":
            raise OptionError("the gradient noise is the quantiser's, and depth=32 does not quantise: take another")
        self.wire = WireFormat(split, codec, passthrough, depth, zero_min, scaling, levels, layout, group, transform)
        self.transform, self.gradient, self.split_index = transform, gradient, _trailing_number(split)
        self.training_codec = self._for_training(training_codec)
        self.qps = _checked(qps, self.training_codec)
        self.eval_qps = _checked(qps if eval_qps is None else eval_qps, codec)
        self.pool = CodecPool(codec, workers)

    @classmethod
    def of(cls, wire: WireFormat, qps: Sequence[QPOption]) -> FeatureChannel:
        """A channel that sends in a format, at some QPs."""
        return cls(qps=qps, **{field.name: getattr(wire, field.name) for field in fields(wire)})

    def _for_training(self, codec: Codec | None) -> Codec:
        if codec is None:
            return self.wire.codec
        if self.gradient == "noise":
            raise OptionError("with the gradient noise no codec is in the training: leave training_codec out")
        try:
            replace(self.wire, codec=codec)  # the same rules as for the codec of tests
        except OptionError as error:
            raise OptionError(f"training_codec: {error}") from None
        check_picklable(codec)
        return codec

    def draw_qps(self, seed: int, epoch: int, indices: Sequence[int]) -> list[QPOption]:
        """One random QP per picture, which depends on the seed, the epoch and the picture's number only."""
        return [self.qps[np.random.default_rng([seed, epoch, i]).integers(len(self.qps))] for i in indices]

    def submit_training(
        self, features: Mapping[str, Tensor], seed: int, epoch: int, indices: Sequence[int]
    ) -> Pending[Transmission]:
        """What training makes of features: each image coded at a random QP, or noisy if ``gradient`` is ``noise``.

        Args:
            features: (B, C, N, M) by the name of the layer that made it.
            seed: of the draws.
            epoch: number of the epoch.
            indices: B numbers of the pictures.
        """
        if self.gradient != "noise":
            return self.submit(features, self.draw_qps(seed, epoch, indices), self.training_codec)
        noisy = {
            name: add_uniform_noise(v, self._step(name, v), [(seed, epoch, i, place) for i in indices])
            for place, (name, v) in enumerate(self.wire.reduce(features).items())
        }
        return done(Transmission(self.wire.restore(noisy, [None] * len(indices)), None, (), {}))

    def forward(self, features: Mapping[str, Tensor], qps: Sequence[QPOption]) -> tuple[dict[str, Tensor], Tensor]:
        """`submit`, and wait for the result: the decoded features, and the bits (B,) that each image cost."""
        received = self.submit(features, qps).result()
        assert received.bits is not None
        return received.features, received.bits

    def submit(
        self, features: Mapping[str, Tensor], qps: Sequence[QPOption], codec: Codec | None = None
    ) -> Pending[Transmission]:
        """Code every tensor that is sent, one picture or video per image, while the caller goes on.

        Args:
            features: (B, C, N, M) by the name of the layer that made it.
            qps: B quantisation parameters, one per image.
            codec: of the pictures; None for the channel's.

        Returns:
            the decoded features, of the same names and shapes, in float32, or in float64 if they came so; and the bits
            of every byte of each image's container. The gradient of the decoded features is ``gradient``'s.

        Raises:
            FeatureError: features cannot be quantised; the message names the layer.
        """
        reduced = self.wire.reduce(features)
        samples = {name: self._to_samples(name, v) for name, v in reduced.items()}
        codec = codec or self.wire.codec
        pictures = self._pictures(samples, codec)
        coding = self.pool.submit(pictures, [codec_qp(qp) for qp in qps] * len(samples), codec)
        return coding.then(lambda coded: self._receive(reduced, samples, coded, qps))

    def _pictures(self, samples: Mapping[str, QuantisedTensor], codec: Codec) -> list[Picture]:
        """What a codec takes: B pictures of each tensor, one tensor after another."""
        return [
            picture
            for tensor in samples.values()
            for picture in to_pictures(tensor.q, self.wire.layout, self.wire.group, codec.min_side)
        ]

    def _receive(
        self,
        reduced: Mapping[str, Tensor],
        samples: Mapping[str, QuantisedTensor],
        coded: Sequence[CodedPicture],
        qps: Sequence[QPOption],
    ) -> Transmission:
        decoded = {name: self._decoded(samples[name], own) for name, own in _by_tensor(samples, coded, len(qps))}
        attached = {name: attach(v, _as_wide(decoded[name], v), self.gradient) for name, v in reduced.items()}
        sent = self._sent(samples, coded, len(qps))
        bits = [8 * len(pack(self.header(qp), tensors)) for qp, tensors in zip(qps, sent, strict=True)]
        restored = self.wire.restore(attached, [codec_qp(qp) for qp in qps])
        return Transmission(restored, torch.tensor(bits), tuple(qps), dict(reduced))

    def _decoded(self, samples: QuantisedTensor, coded: Sequence[CodedPicture]) -> Tensor:
        """What Eq. (3) makes of one tensor's decoded pictures, (B, C, N, M)."""
        q, lo, hi = samples
        _, c, n, m = q.shape
        decoded = to_tensor([one.picture for one in coded], (c, n, m), self.wire.layout, self.wire.group)
        return to_features(QuantisedTensor(decoded.to(q.device), lo, hi), self.wire.depth)

    def _sent(
        self, samples: Mapping[str, QuantisedTensor], coded: Sequence[CodedPicture], images: int
    ) -> list[list[SentTensor]]:
        """The tensors of each image as its container has them."""
        sent: list[list[SentTensor]] = [[] for _ in range(images)]
        for name, own in _by_tensor(samples, coded, images):
            q, lo, hi = samples[name]
            _, c, n, m = q.shape
            for tensors, low, high, one in zip(sent, lo.tolist(), hi.tolist(), own, strict=True):
                tensors.append(SentTensor((c, n, m), low, high, one.data))
        return sent

    def codec_inputs(self, features: Mapping[str, Tensor]) -> list[CodecInput]:
        """One image's tensors, each (1, C, N, M), as the codec takes them, whatever the QP."""
        samples = {name: self._to_samples(name, v) for name, v in self.wire.reduce(features).items()}
        both = zip(samples.items(), self._pictures(samples, self.wire.codec), strict=True)
        return [
            CodecInput(name, (q.shape[1], q.shape[2], q.shape[3]), lo.item(), hi.item(), picture)
            for (name, (q, lo, hi)), picture in both
        ]

    def encode(self, features: Mapping[str, Tensor], qp: QPOption) -> list[SentTensor]:
        """Code one image's tensors, each (1, C, N, M), for its container; in this process, which is up sooner."""
        encode = self.pool.codec.encode
        inputs = self.codec_inputs(features)
        return [SentTensor(one.shape, one.lo, one.hi, encode(one.picture, codec_qp(qp))) for one in inputs]

    def header(
        self, qp: QPOption, model: int = 0, size: tuple[int, int] = (0, 0), letterbox: bool = False
    ) -> ContainerHeader:
        """What an image's container says once; its length does not depend on the model or on the picture's size."""
        return self.wire.header(self.split_index, codec_qp(qp), model, size, letterbox)

    def _step(self, name: str, v: Tensor) -> Tensor:
        """(B,) the quantiser's step for each image."""
        _, lo, hi = self._to_samples(name, v)
        step: Tensor = (hi - lo) / (2**self.wire.depth - 1)
        return step

    def _to_samples(self, name: str, v: Tensor) -> QuantisedTensor:
        try:
            return to_samples(v, self.wire.depth, self.wire.zero_min, self.wire.scaling, self.wire.levels)
        except FeatureError as error:
            raise FeatureError(f"{name}: {error}") from None


def receive(header: ContainerHeader, tensors: Sequence[SentTensor], codec: Codec) -> list[Tensor]:
    """What the cloud makes of one image's container, before a transform: each tensor (1, C, N, M) float32.

    Args:
        header: of the container.
        tensors: of the container.
        codec: of the kind and depth that the header names.

    Raises:
        CodecError: a payload cannot be decoded, or is not of the shape that is claimed.
    """
    return [features_of(header, tensor, codec.decode(tensor.payload)) for tensor in tensors]


def features_of(header: ContainerHeader, tensor: SentTensor, picture: Picture) -> Tensor:
    """The features of one tensor, (1, C, N, M) float32, from the decoded picture of its payload."""
    q = to_tensor([picture], tensor.shape, header.layout, header.group)
    return to_features(QuantisedTensor(q, torch.tensor([tensor.lo]), torch.tensor([tensor.hi])), header.depth)


def _checked(qps: Sequence[QPOption], codec: Codec) -> tuple[QPOption, ...]:
    if not qps:
        raise OptionError("qps names no quantisation parameter; give at least one, such as [lossless, 32]")
    for qp in qps:
        codec.check_qp(codec_qp(qp))
    return tuple(qps)


def codec_qp(qp: QPOption) -> QP:
    """A QP as the codecs take it."""
    return None if qp == "lossless" else qp


def _by_tensor(
    samples: Mapping[str, QuantisedTensor], coded: Sequence[CodedPicture], images: int
) -> list[tuple[str, Sequence[CodedPicture]]]:
    """The coded pictures of each tensor, which stand one tensor after another."""
    return [(name, coded[i * images : (i + 1) * images]) for i, name in enumerate(samples)]


def _as_wide(v_hat: Tensor, v: Tensor) -> Tensor:
    """In the type of ``v``, but never in less than float32."""
    return v_hat.to(torch.promote_types(v.dtype, torch.float32))


def _trailing_number(split: str) -> int:
    """The number in a layer's name as Darknet numbers them, ``max_7``; 0 where there is none."""
    digits = split.rpartition("_")[2]
    return int(digits) if digits.isdigit() else 0
