"""The one description of what is sent: from it come the channel, the container's header, the cache key and the table.

A new option that changes what is sent is a new field here. The cache key takes it up by itself, and
``tests/test_wire.py`` fails until somebody has said what it changes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import get_args

from torch import Tensor

from lightning_app.bitstream import ContainerHeader
from lightning_app.codecs import QP, Codec
from lightning_app.codecs.base import FLOAT, check_depth
from lightning_app.errors import OptionError
from lightning_app.graph import Passthrough, Shape
from lightning_app.identity import codec_key, source_key
from lightning_app.records.points import Columns
from lightning_app.scaling import Scaling, scaling_name
from lightning_app.tiling import Layout, layout_name, picture_shape
from lightning_app.transforms import FeatureTransform
from lightning_app.transforms.shapes import sent_shapes


@dataclass(frozen=True, eq=False)
class WireFormat:
    """Everything that decides which bytes cross, beside the network, the image and the QP.

    Attributes:
        split: name of the layer behind which the network is cut.
        codec: that codes the pictures of samples.
        passthrough: the second tensor that is sent where a later layer joins an earlier one.
        depth: n_bit, the bits per sample: 8, 10 or 12, or 32 for float32 samples.
        zero_min: the minimum of every tensor is 0 and is not sent.
        scaling: how the range is chosen in which a tensor is quantised.
        levels: to which it is quantised, 2 to 2^depth; None for as many as the depth has room for.
        layout: of the channels in pictures.
        group: channels that share a frame; 1 except for the layout ``frames``.
        transform: what reduces the features before they are quantised; None for nothing.
    """

    split: str
    codec: Codec
    passthrough: Passthrough = "reduced"
    depth: int = 8
    zero_min: bool = False
    scaling: Scaling = "minmax"
    levels: int | None = None
    layout: Layout = "tiled"
    group: int = 1
    transform: FeatureTransform | None = None

    def __post_init__(self) -> None:
        if self.depth != FLOAT:
            check_depth(self.depth)
        self._check_quantiser()
        if self.codec.depth != self.depth:
            raise OptionError(
                f"the codec takes {self.codec.depth} bits per sample and the channel gives {self.depth}: set its depth"
            )
        if self.group < 1 or (self.group > 1 and self.layout != "frames"):
            raise OptionError(f"group={self.group} must be at least 1, and 1 but for the layout frames")
        if self.layout == "frames" and not self.codec.video:
            raise OptionError(f"the layout frames is a video, and {type(self.codec).__name__} codes none; take HEVC")

    def _check_quantiser(self) -> None:
        if self.scaling not in get_args(Scaling):
            raise OptionError(f"scaling must be minmax, zscore or clip, not {self.scaling}")
        given = {"zero_min": self.zero_min, "scaling": self.scaling != "minmax", "levels": self.levels is not None}
        for name in (name for name, is_given in given.items() if is_given and self.depth == FLOAT):
            raise OptionError(f"{name} is an option of the quantiser, and depth=32 does not quantise: leave it out")
        if self.levels is not None and not 2 <= self.levels <= 2**self.depth:
            raise OptionError(f"levels must be 2 to {2**self.depth} at {self.depth} bits, not {self.levels}")

    def columns(self) -> Columns:
        """The format as columns of ``points.csv``."""
        return {
            "split": self.split,
            "layout": layout_name(self.layout, self.group),
            "codec": str(self.codec),
            "depth": str(self.depth),
            "passthrough": self.passthrough,
            "zero_min": str(self.zero_min).lower(),
            "scaling": scaling_name(self.scaling, self.levels),
            "transform": "" if self.transform is None else str(self.transform),
        }

    def key(self) -> list[str]:
        """Every field in words: two formats that may give other bytes for one image have other keys."""
        return [f"{field.name}={_in_words(getattr(self, field.name))}" for field in fields(self)]

    def reduce(self, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Features (B, C, N, M) of each tensor that is sent -> what is quantised."""
        if self.transform is None:
            return dict(features)
        reduced = self.transform.reduce(features)
        return {name: reduced[name] for name in features}  # in the order in which they cross

    def restore(self, features: Mapping[str, Tensor], qps: Sequence[QP]) -> dict[str, Tensor]:
        """The inverse of `reduce`, as far as there is one: decoded -> features (B, C, N, M) that the back takes.

        Args:
            features: (B, C', N', M') of each tensor.
            qps: B, at which each image was coded; None for lossless.
        """
        if self.transform is None:
            return dict(features)
        like = next(iter(features.values()))
        return self.transform.restore(features, like.new_tensor([self.codec.step(qp) for qp in qps]))

    def check_layout(self, shapes: Mapping[str, Shape]) -> None:
        """Raise `OptionError` where the layout cannot hold tensors of C, N, M each."""
        for shape in sent_shapes(self.transform, shapes).values():
            picture_shape(shape, self.layout, self.group)

    def header(
        self, split: int, qp: QP, model: int = 0, size: tuple[int, int] = (0, 0), letterbox: bool = False
    ) -> ContainerHeader:
        """What an image's container says once.

        Args:
            split: number of the layer behind which the network is cut.
            qp: at which the image is coded.
            model: number of the network and the transform, as `model_id` gives it.
            size: height and width of the original picture.
            letterbox: whether the network saw it letterboxed.
        """
        return ContainerHeader(
            model=model,
            split=split,
            passthrough=self.passthrough,
            layout=self.layout,
            group=self.group,
            depth=self.depth,
            zero_min=self.zero_min,
            transformed=self.transform is not None,
            codec=type(self.codec).__name__,
            qp=qp,
            size=size,
            letterbox=letterbox,
        )


def _in_words(value: object) -> str:
    if isinstance(value, FeatureTransform):
        return hashlib.sha256(b"".join(value.identity())).hexdigest() + source_key(type(value))
    return codec_key(value) if isinstance(value, Codec) else str(value)
