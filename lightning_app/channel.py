"""The feature channel: quantise → tile → encode → decode → untile → inverse quantise, with a gradient through it.

This is Fig. 2(c) of the paper between the mobile side and the cloud, and Fig. 2(b) at QP ``lossless``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, cast

import numpy as np
import torch
from torch import Tensor, nn

from lightning_app.codecs import HEVC, Codec, CodecPool, available_cores
from lightning_app.codecs.base import Picture, check_depth, check_qp
from lightning_app.darknet.network import Passthrough
from lightning_app.errors import FeatureError, OptionError
from lightning_app.quantize import dequantize, quantize
from lightning_app.tiling import tile, untile

QPOption = int | Literal["lossless"]
"""A quantisation parameter as a person writes it."""

RANGE_BITS = 64
"""What min(V) and max(V) cost: two float32 a tensor."""


class FeatureChannel(nn.Module):
    """Sends features through a real codec, in worker processes that stay open between batches.

    Args:
        split: layer behind which the network is cut, such as ``max_7``.
        bits: n_bit of the quantiser, 8, 10 or 12.
        qps: quantisation parameters that training draws from, each 0 to 51 or ``lossless``.
        eval_qps: quantisation parameters that validation and test report, one point each; null for ``qps``.
        passthrough: what crosses beside the split where a later layer joins an earlier one: ``full``, the earlier
            layer itself, or ``reduced``, the smallest output on its way, computed on the mobile side.
        codec: that codes the pictures; null for HEVC at ``bits``.
        workers: codec processes; null for the machine's cores, shared between its ranks.
    """

    def __init__(
        self,
        split: str = "max_7",
        bits: int = 8,
        qps: Sequence[QPOption] = ("lossless", 22, 27, 32, 37),
        eval_qps: Sequence[QPOption] | None = None,
        passthrough: Passthrough = "reduced",
        codec: Codec | None = None,
        workers: int | None = None,
    ) -> None:
        super().__init__()
        check_depth(bits)
        self.split, self.bits, self.passthrough, self.workers = split, bits, passthrough, workers
        self.codec = HEVC(depth=bits) if codec is None else codec
        if self.codec.depth != bits:
            raise OptionError(f"the codec takes {self.codec.depth} bits a sample and the channel gives {bits}; set one")
        self.qps = self._checked(qps)
        self.eval_qps = self.qps if eval_qps is None else self._checked(eval_qps)
        self.pool = CodecPool(self.codec, available_cores() if workers is None else workers)

    def _checked(self, qps: Sequence[QPOption]) -> tuple[QPOption, ...]:
        if not qps:
            raise OptionError("qps names no quantisation parameter; give at least one, such as [lossless, 32]")
        for qp in qps:
            check_qp(_codec_qp(qp))
        return tuple(qps)

    def share_cores(self, ranks: int) -> None:
        """Take this rank's part of the machine's cores, unless ``workers`` says how many."""
        if self.workers is None:
            self.close()
            self.pool = CodecPool(self.codec, max(1, available_cores() // ranks))

    def close(self) -> None:
        """End the codec's processes; they start again at the next use."""
        self.pool.close()

    def draw_qps(self, seed: int, epoch: int, indices: Sequence[int]) -> list[QPOption]:
        """One random QP a picture: a function of the seed, the epoch and the picture's number alone."""
        return [self.qps[np.random.default_rng([seed, epoch, i]).integers(len(self.qps))] for i in indices]

    def forward(self, features: Mapping[str, Tensor], qps: Sequence[QPOption]) -> tuple[dict[str, Tensor], Tensor]:
        """Code every tensor that crosses the cut, one picture an image.

        Args:
            features: (B, C, N, M) by the name of the layer that made it.
            qps: B quantisation parameters, one an image.

        Returns:
            the decoded features, of the same names and shapes, in float32; and the bits (B,) int64 that each image
            cost: every byte of the codec's, and two float32 a tensor. The gradient of the decoded features is handed
            to the features unchanged (straight-through).

        Raises:
            FeatureError: a feature is NaN or infinite; the message names the layer.
        """
        sent = {name: self._quantize(name, v) for name, v in features.items()}
        pictures = [picture for q, _, _ in sent.values() for picture in tile(q).cpu().numpy()]
        coded = self._code(pictures, [_codec_qp(qp) for qp in qps] * len(sent))
        bits = torch.tensor([8 * size + RANGE_BITS for _, size in coded]).view(len(sent), -1).sum(dim=0)  # (B,)
        decoded = {}
        for i, (name, (q, lo, hi)) in enumerate(sent.items()):
            received = torch.from_numpy(np.stack([picture for picture, _ in coded[i * len(q) : (i + 1) * len(q)]]))
            v_hat = dequantize(untile(received.to(q.device), _shape(q)), lo, hi, self.bits)
            decoded[name] = _StraightThrough.apply(features[name], v_hat)  # type: ignore[no-untyped-call]
        return decoded, bits

    def _quantize(self, name: str, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        try:
            return quantize(v, self.bits)
        except FeatureError as error:
            raise FeatureError(f"{name}: {error}") from None

    def _code(self, pictures: list[Picture], qps: list[int | None]) -> list[tuple[Picture, int]]:
        """Decoded pictures and how many bytes each cost; a picture too small for the codec is padded and cut back."""
        coded = self.pool.code([_padded(picture, self.codec.min_side) for picture in pictures], qps)
        return [
            (result.picture[: picture.shape[0], : picture.shape[1]], len(result.data))
            for picture, result in zip(pictures, coded, strict=True)
        ]


class _StraightThrough(torch.autograd.Function):
    """Forward the decoded features, to the last bit; backward the gradient, unchanged."""

    @staticmethod
    def forward(ctx: Any, v: Tensor, v_hat: Tensor) -> Tensor:  # noqa: ARG004
        return v_hat

    @staticmethod
    def backward(ctx: Any, *gradient: Tensor) -> tuple[Tensor, None]:  # noqa: ARG004
        return gradient[0], None


def _codec_qp(qp: QPOption) -> int | None:
    return None if qp == "lossless" else qp


def _padded(picture: Picture, side: int) -> Picture:
    """At least ``side`` pixels a side; the edge is repeated, which costs next to no bits."""
    missing = [(0, max(0, side - length)) for length in picture.shape]
    return cast(Picture, np.pad(picture, missing, mode="edge"))


def _shape(q: Tensor) -> tuple[int, int, int]:
    _, c, n, m = q.shape
    return c, n, m
