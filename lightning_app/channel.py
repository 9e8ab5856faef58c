"""The feature channel: quantise → tile → encode → decode → untile → inverse quantise, with a gradient through it.

This is Fig. 2(c) of the paper between the mobile side and the cloud, Fig. 2(b) at QP ``lossless``, and Fig. 2(a) with
float32 samples.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from lightning_app.bitstream import Header, SentTensor, pack
from lightning_app.codecs import HEVC, QP, Codec, CodecPool, Raw
from lightning_app.codecs.base import FLOAT, Picture, check_depth
from lightning_app.errors import FeatureError, OptionError
from lightning_app.gradient import Gradient, add_uniform_noise, attach
from lightning_app.graph import Passthrough
from lightning_app.pictures import Quantised, to_features, to_pictures, to_samples, to_tensor
from lightning_app.tiling import Layout

QPOption = int | Literal["lossless"]
"""A quantisation parameter as a person writes it."""


class Prepared(NamedTuple):
    """One image's tensor, ready for the codec.

    Attributes:
        shape: C, N, M.
        lo: the minimum.
        hi: the maximum.
        picture: its quantised samples, laid out.
    """

    shape: tuple[int, int, int]
    lo: float
    hi: float
    picture: Picture


Received = tuple[dict[str, Tensor], Tensor]
"""What the cloud makes of features, by the layer that made them, and the bits (B,) that each image cost."""


class FeatureChannel(nn.Module):
    """Sends features through a real codec, in worker processes that stay open between batches.

    Args:
        split: layer behind which the network is cut, such as ``max_7``.
        depth: n_bit of the quantiser, the bits per sample: 8, 10 or 12; 32 sends float32 samples, not quantised.
        qps: what training draws from: quantisation parameters of 0 to 51 or ``lossless`` for HEVC and AVC,
            qualities of 1 to 100 for JPEG, ``lossless`` alone for PNG, Deflate, LZMA and Raw.
        eval_qps: what validation and test report, one point each; null for ``qps``.
        passthrough: what crosses beside the split where a later layer joins an earlier one: ``full``, the earlier
            layer itself, or ``reduced``, the smallest output on its way, computed on the mobile side.
        zero_min: the minimum is 0, as behind a ReLU, and is not sent; negative features are then refused.
        layout: ``tiled`` (Fig. 3a), ``quilted`` (Fig. 3b), or ``frames``, a video of the channels.
        group: channels that share a frame of the layout ``frames``, 1 or more.
        codec: that codes the pictures; null for HEVC at ``depth``, or Raw at 32.
        gradient: how it passes the codec: ``straight_through``, ``stop`` (the cloud side alone learns), ``noise``
            (training codes nothing and adds the quantiser's noise) or ``scaled`` (by the coding error).
        workers: codec processes; null for the machine's cores, shared between its ranks.
    """

    def __init__(
        self,
        split: str = "max_7",
        depth: int = 8,
        qps: Sequence[QPOption] = ("lossless", 22, 27, 32, 37),
        eval_qps: Sequence[QPOption] | None = None,
        passthrough: Passthrough = "reduced",
        zero_min: bool = False,
        layout: Layout = "tiled",
        group: int = 1,
        codec: Codec | None = None,
        gradient: Gradient = "straight_through",
        workers: int | None = None,
    ) -> None:
        super().__init__()
        self.split, self.depth, self.passthrough, self.zero_min = split, depth, passthrough, zero_min
        self.layout, self.group, self.gradient = layout, group, gradient
        self.codec = codec or (Raw() if depth == FLOAT else HEVC(depth=depth))
        self._check()
        self.qps = self._checked(qps)
        self.eval_qps = self.qps if eval_qps is None else self._checked(eval_qps)
        self.pool = CodecPool(self.codec, workers)

    def _check(self) -> None:
        if self.depth != FLOAT:
            check_depth(self.depth)
        elif self.zero_min or self.gradient == "noise":
            raise OptionError("zero_min and the gradient noise are the quantiser's, and depth=32 does not quantise")
        if self.codec.depth != self.depth:
            raise OptionError(
                f"the codec takes {self.codec.depth} bits a sample and the channel gives {self.depth}: set its depth"
            )
        if self.group < 1 or (self.group > 1 and self.layout != "frames"):
            raise OptionError(f"group={self.group} must be at least 1, and 1 but for the layout frames")
        if self.layout == "frames" and not self.codec.video:
            raise OptionError(f"the layout frames is a video, and {type(self.codec).__name__} codes none; take HEVC")

    def _checked(self, qps: Sequence[QPOption]) -> tuple[QPOption, ...]:
        if not qps:
            raise OptionError("qps names no quantisation parameter; give at least one, such as [lossless, 32]")
        for qp in qps:
            self.codec.check_qp(codec_qp(qp))
        return tuple(qps)

    def draw_qps(self, seed: int, epoch: int, indices: Sequence[int]) -> list[QPOption]:
        """One random QP a picture: a function of the seed, the epoch and the picture's number alone."""
        return [self.qps[np.random.default_rng([seed, epoch, i]).integers(len(self.qps))] for i in indices]

    def augment(
        self, features: Mapping[str, Tensor], seed: int, epoch: int, indices: Sequence[int]
    ) -> Callable[[], tuple[dict[str, Tensor], Tensor | None]]:
        """What training makes of features: each image coded at a random QP, or noisy if ``gradient`` is ``noise``.

        Args:
            features: (B, C, N, M) by the name of the layer that made it.
            seed: of the draws.
            epoch: number of the epoch.
            indices: B numbers of the pictures.

        Returns:
            what waits for the coding, as `begin` returns; its bits are None where nothing is coded.
        """
        if self.gradient != "noise":
            return self.begin(features, self.draw_qps(seed, epoch, indices))
        noisy = {
            name: add_uniform_noise(v, self._step(name, v), [(seed, epoch, i, place) for i in indices])
            for place, (name, v) in enumerate(features.items())
        }
        return lambda: (noisy, None)

    def forward(self, features: Mapping[str, Tensor], qps: Sequence[QPOption]) -> Received:
        """`begin`, and wait for the result."""
        return self.begin(features, qps)()

    def begin(self, features: Mapping[str, Tensor], qps: Sequence[QPOption]) -> Callable[[], Received]:
        """Code every tensor that crosses the cut, one picture or video an image, while the caller goes on.

        Args:
            features: (B, C, N, M) by the name of the layer that made it.
            qps: B quantisation parameters, one an image.

        Returns:
            what waits for the coding, to be called once, and gives the decoded features, of the same names and shapes,
            in float32, or in float64 if they came so; and the bits (B,) int64 that each image cost: every byte of its
            container. The gradient of the decoded features is ``gradient``'s.

        Raises:
            FeatureError: features cannot be quantised; the message names the layer.
        """
        coding = self._begin(features, qps)

        def wait() -> Received:
            sent, received = coding()
            bits = [8 * len(pack(self.header(qp), tensors)) for qp, tensors in zip(qps, sent, strict=True)]
            decoded = {name: attach(v, _as_wide(received[name], v), self.gradient) for name, v in features.items()}
            return decoded, torch.tensor(bits)

        return wait

    def prepare(self, features: Mapping[str, Tensor]) -> list[Prepared]:
        """One image's tensors, each (1, C, N, M), as the codec takes them, whatever the QP."""
        return [
            Prepared((q.shape[1], q.shape[2], q.shape[3]), lo.item(), hi.item(), picture)
            for q, lo, hi in (self._to_samples(name, v) for name, v in features.items())
            for picture in to_pictures(q, self.layout, self.group, self.codec.min_side)
        ]

    def encode(self, features: Mapping[str, Tensor], qp: QPOption) -> list[SentTensor]:
        """Code one image's tensors, each (1, C, N, M), for its container."""
        (tensors,), _ = self._begin(features, [qp])()
        return tensors

    def header(self, qp: QPOption, model: int = 0, size: tuple[int, int] = (0, 0), letterbox: bool = False) -> Header:
        """What an image's container says once; its length does not depend on the model or on the picture's size.

        Args:
            qp: at which the image is coded.
            model: CRC-32 of the network.
            size: height and width of the original picture.
            letterbox: whether the network saw it letterboxed.
        """
        return Header(
            model=model,
            split=int(self.split.rpartition("_")[2]),
            passthrough=self.passthrough,
            layout=self.layout,
            group=self.group,
            depth=self.depth,
            zero_min=self.zero_min,
            codec=type(self.codec).__name__,
            qp=codec_qp(qp),
            size=size,
            letterbox=letterbox,
        )

    def _begin(
        self, features: Mapping[str, Tensor], qps: Sequence[QPOption]
    ) -> Callable[[], tuple[list[list[SentTensor]], dict[str, Tensor]]]:
        """What waits for what crosses for each image, and what the cloud makes of it, by layer."""
        samples = {name: self._to_samples(name, v) for name, v in features.items()}
        pictures = [p for t in samples.values() for p in to_pictures(t.q, self.layout, self.group, self.codec.min_side)]
        coding = self.pool.submit(pictures, [codec_qp(qp) for qp in qps] * len(samples))

        def wait() -> tuple[list[list[SentTensor]], dict[str, Tensor]]:
            coded = coding.result()
            sent: list[list[SentTensor]] = [[] for _ in qps]
            received = {}
            for i, (name, (q, lo, hi)) in enumerate(samples.items()):
                results = coded[i * len(qps) : (i + 1) * len(qps)]
                _, c, n, m = q.shape
                for tensors, low, high, result in zip(sent, lo.tolist(), hi.tolist(), results, strict=True):
                    tensors.append(SentTensor((c, n, m), low, high, result.data))
                decoded = to_tensor([result.picture for result in results], (c, n, m), self.layout, self.group)
                received[name] = to_features(Quantised(decoded.to(q.device), lo, hi), self.depth)
            return sent, received

        return wait

    def _step(self, name: str, v: Tensor) -> Tensor:
        """(B,) the quantiser's step for each image."""
        _, lo, hi = self._to_samples(name, v)
        step: Tensor = (hi - lo) / (2**self.depth - 1)
        return step

    def _to_samples(self, name: str, v: Tensor) -> Quantised:
        try:
            return to_samples(v, self.depth, self.zero_min)
        except FeatureError as error:
            raise FeatureError(f"{name}: {error}") from None


def receive(header: Header, tensors: Sequence[SentTensor], codec: Codec) -> list[Tensor]:
    """What the cloud makes of one image's container: the features of each tensor, (1, C, N, M) float32.

    Args:
        header: of the container.
        tensors: of the container.
        codec: of the kind and depth that the header names.

    Raises:
        CodecError: a payload cannot be decoded, or is not of the shape that is claimed.
    """
    return [features_of(header, tensor, codec.decode(tensor.payload)) for tensor in tensors]


def features_of(header: Header, tensor: SentTensor, picture: Picture) -> Tensor:
    """The features of one tensor, (1, C, N, M) float32, from the decoded picture of its payload."""
    q = to_tensor([picture], tensor.shape, header.layout, header.group)
    return to_features(Quantised(q, torch.tensor([tensor.lo]), torch.tensor([tensor.hi])), header.depth)


def _as_wide(v_hat: Tensor, v: Tensor) -> Tensor:
    """In the type of ``v``, but never in less than float32."""
    return v_hat.to(torch.promote_types(v.dtype, torch.float32))


def codec_qp(qp: QPOption) -> QP:
    """A QP as the codecs take it."""
    return None if qp == "lossless" else qp
