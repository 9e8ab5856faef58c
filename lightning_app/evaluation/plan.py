"""Which operating points a sweep has: every combination of its values that can be coded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import product
from typing import NamedTuple, get_args

from lightning_app.channel import FeatureChannel, QPOption, codec_qp
from lightning_app.codecs import Codec, codec_named
from lightning_app.errors import OptionError
from lightning_app.evaluation.swept_transforms import SweptTransforms
from lightning_app.graph import SplitDetector
from lightning_app.scaling import Scaling, scaling_name
from lightning_app.systems import Collaborative
from lightning_app.tiling import Layout, layout_name
from lightning_app.transforms import FeatureTransform
from lightning_app.wire import WireFormat


@dataclass(frozen=True)
class Sweep:
    """The values that are combined.

    Attributes:
        splits: layers to cut behind; none for the cloud-only way alone.
        depths: bits per sample of the quantiser.
        layouts: as ``points.csv`` names them: ``tiled``, ``quilted``, ``frames``, ``frames/8``.
        codecs: as ``points.csv`` names them: ``HEVC``, ``HEVC/best``, ``PNG``.
        scalings: as ``points.csv`` names them: ``minmax``, ``clip``, ``clip/4``.
        qps: quantisation parameters, qualities or ``lossless``.
        transforms: what reduces the features before they are quantised; None for nothing. A copy of each is made for
            each split, and finds values of its own.
    """

    splits: Sequence[str] = ()
    depths: Sequence[int] = (8,)
    layouts: Sequence[str] = ("tiled",)
    codecs: Sequence[str] = ("HEVC",)
    scalings: Sequence[str] = ("minmax",)
    qps: Sequence[QPOption] = ("lossless", 22, 27, 32, 37)
    transforms: Sequence[FeatureTransform | None] = (None,)

    @classmethod
    def of(cls, channel: FeatureChannel) -> Sweep:
        """The one combination of a channel, at the QPs that it is measured at."""
        wire = channel.wire
        layout = layout_name(wire.layout, wire.group)
        scaling = scaling_name(wire.scaling, wire.levels)
        codec, transforms = str(wire.codec), (wire.transform,)
        return cls((wire.split,), (wire.depth,), (layout,), (codec,), (scaling,), channel.eval_qps, transforms)


class Combination(NamedTuple):
    """One value of each axis of a sweep but the QPs, in the order of a curve's name."""

    split: str
    transform: FeatureTransform | None
    layout: str
    depth: int
    codec: str
    scaling: str


def plan(network: SplitDetector, sweep: Sweep, base: FeatureChannel | None) -> tuple[list[Collaborative], list[str]]:
    """The systems to measure, each at its QPs, and what is left out.

    A combination that cannot be coded (PNG at QP 32, JPEG of 12 bits) is left out, and a sentence tells. A value that
    is left without any combination is a mistake.

    Args:
        network: to be cut.
        sweep: the values.
        base: says what the sweep does not: passthrough, zero_min, and a codec that has no name; None for defaults.

    Raises:
        OptionError: a value fits no combination; the message is that of the first refusal. An axis is empty, or two
            transforms have one name.
    """
    _check_axes(sweep)
    transforms = SweptTransforms(sweep.transforms, None if base is None else base.transform)
    refusals: list[tuple[tuple[object, ...], str]] = []
    systems: dict[tuple[object, ...], Collaborative] = {}
    used: set[tuple[int, object]] = set()
    for values in map(Combination._make, product(*_axes(sweep))):
        try:
            codec = _codec(values.codec, values.depth, base)
            taken = list(_taken(codec, sweep.qps, values, refusals))
            if taken:
                transform = transforms.at(values.split, values.transform)
                system = Collaborative(network, _channel(values, codec, transform, taken, base))
                systems.setdefault(tuple(system.columns(None).values()), system)  # HEVC/paper is HEVC
                used.update(enumerate(values), ((len(values), qp) for qp in taken))
        except OptionError as error:
            refusals.append((values, str(error)))
    _check_each_is_used(sweep, used, refusals)
    return list(systems.values()), [f"{_in_words(values)} is left out: {why}" for values, why in refusals]


def _in_words(values: Sequence[object]) -> str:
    return " ".join(str(value) for value in values if value not in ("minmax", None))  # as in the name of a curve


def _axes(sweep: Sweep) -> tuple[Sequence[object], ...]:
    """The values of each field of a `Combination`."""
    return sweep.splits, sweep.transforms, sweep.layouts, sweep.depths, sweep.codecs, sweep.scalings


def _taken(
    codec: Codec, qps: Sequence[QPOption], values: Combination, refusals: list[tuple[tuple[object, ...], str]]
) -> Iterator[QPOption]:
    """The QPs at which the codec codes."""
    for qp in dict.fromkeys(qps):
        try:
            codec.check_qp(codec_qp(qp))
        except OptionError as error:
            refusals.append(((*values, qp), str(error)))
        else:
            yield qp


def _codec(name: str, depth: int, base: FeatureChannel | None) -> Codec:
    if base is not None and (str(base.wire.codec), base.wire.depth) == (name, depth):
        return base.wire.codec
    return codec_named(name, depth)


def _channel(
    values: Combination,
    codec: Codec,
    transform: FeatureTransform | None,
    qps: Sequence[QPOption],
    base: FeatureChannel | None,
) -> FeatureChannel:
    layout, group = _layout(values.layout)
    scaling, levels = _scaling(values.scaling)
    wire = WireFormat(values.split, codec, depth=values.depth) if base is None else base.wire
    swept = replace(
        wire,
        split=values.split,
        codec=codec,
        depth=values.depth,
        scaling=scaling,
        levels=levels,
        layout=layout,
        group=group,
        transform=transform,
    )
    return FeatureChannel.of(swept, qps)


def _layout(text: str) -> tuple[Layout, int]:
    """``frames/8`` -> ``frames``, 8."""
    name, _, group = text.partition("/")
    if name not in get_args(Layout) or (group and not (name == "frames" and group.isdigit())):
        raise OptionError(f"a layout is tiled, quilted, frames, or frames/8 for 8 channels a frame, not {text!r}")
    return name, int(group or 1)  # type: ignore[return-value]


def _scaling(text: str) -> tuple[Scaling, int | None]:
    """``clip/4`` -> ``clip``, 4."""
    name, _, levels = text.partition("/")
    if name not in get_args(Scaling) or (levels and not levels.isdigit()):
        raise OptionError(f"a scaling is minmax, zscore, clip, or clip/4 for 4 levels, not {text!r}")
    return name, int(levels) if levels else None  # type: ignore[return-value]


def _check_axes(sweep: Sweep) -> None:
    for axis in fields(sweep):
        if sweep.splits and not getattr(sweep, axis.name):
            raise OptionError(f"--{axis.name} is empty: give at least one value, or leave it out")


def _check_each_is_used(
    sweep: Sweep, used: set[tuple[int, object]], refusals: Sequence[tuple[tuple[object, ...], str]]
) -> None:
    if not sweep.splits:
        return
    for axis, named in enumerate((*_axes(sweep), sweep.qps)):
        for value in named:
            if (axis, value) not in used:
                own = (why for values, why in refusals if values[axis : axis + 1] == (value,))
                raise OptionError(next(own, refusals[0][1]))
