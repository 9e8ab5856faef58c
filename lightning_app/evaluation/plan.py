"""Which operating points a sweep has: every combination of its values that can be coded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import get_args

from lightning_app.channel import FeatureChannel, QPOption, codec_qp
from lightning_app.codecs import Codec, codec_named
from lightning_app.errors import OptionError
from lightning_app.graph import SplitDetector
from lightning_app.scaling import Scaling, scaling_name
from lightning_app.systems import Collaborative
from lightning_app.tiling import Layout, layout_name
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
    """

    splits: Sequence[str] = ()
    depths: Sequence[int] = (8,)
    layouts: Sequence[str] = ("tiled",)
    codecs: Sequence[str] = ("HEVC",)
    scalings: Sequence[str] = ("minmax",)
    qps: Sequence[QPOption] = ("lossless", 22, 27, 32, 37)

    @classmethod
    def of(cls, channel: FeatureChannel) -> Sweep:
        """The one combination of a channel, at the QPs that it is measured at."""
        wire = channel.wire
        layout = layout_name(wire.layout, wire.group)
        scaling = scaling_name(wire.scaling, wire.levels)
        return cls((wire.split,), (wire.depth,), (layout,), (str(wire.codec),), (scaling,), channel.eval_qps)


def plan(network: SplitDetector, sweep: Sweep, base: FeatureChannel | None) -> tuple[list[Collaborative], list[str]]:
    """The systems to measure, each at its QPs, and what is left out.

    A combination that cannot be coded (PNG at QP 32, JPEG of 12 bits) is left out, and a sentence tells. A value that
    is left without any combination is a mistake.

    Args:
        network: to be cut.
        sweep: the values.
        base: says what the sweep does not: passthrough, zero_min, the transform, and a codec that has no name; None for
            defaults.

    Raises:
        OptionError: a value fits no combination; the message is that of the first refusal.
    """
    refusals: list[tuple[tuple[object, ...], str]] = []
    systems: dict[tuple[object, ...], Collaborative] = {}
    used: set[tuple[int, object]] = set()
    for values in product(sweep.splits, sweep.layouts, sweep.depths, sweep.codecs, sweep.scalings):
        try:
            codec = _codec(values[3], values[2], base)
            taken = list(_taken(codec, sweep.qps, values, refusals))
            if taken:
                system = Collaborative(network, _channel(values, codec, taken, base))
                systems.setdefault(tuple(system.columns(None).values()), system)  # HEVC/paper is HEVC
                used.update(enumerate(values), ((len(values), qp) for qp in taken))
        except OptionError as error:
            refusals.append((values, str(error)))
    _check_each_is_used(sweep, used, refusals)
    return list(systems.values()), [f"{_in_words(values)} is left out: {why}" for values, why in refusals]


def _in_words(values: Sequence[object]) -> str:
    return " ".join(str(value) for value in values if value != "minmax")  # as in the name of a curve


Values = tuple[str, str, int, str, str]


def _taken(
    codec: Codec, qps: Sequence[QPOption], values: Values, refusals: list[tuple[tuple[object, ...], str]]
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


def _channel(values: Values, codec: Codec, qps: Sequence[QPOption], base: FeatureChannel | None) -> FeatureChannel:
    split, layout, depth, _, scaling = values
    name, group = _layout(layout)
    how, levels = _scaling(scaling)
    wire = WireFormat(split, codec, depth=depth) if base is None else base.wire
    swept = replace(wire, split=split, depth=depth, layout=name, group=group, codec=codec, scaling=how, levels=levels)
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


def _check_each_is_used(
    sweep: Sweep, used: set[tuple[int, object]], refusals: Sequence[tuple[tuple[object, ...], str]]
) -> None:
    if not sweep.splits:
        return
    axes = (sweep.splits, sweep.layouts, sweep.depths, sweep.codecs, sweep.scalings, sweep.qps)
    for axis, named in enumerate(axes):
        for value in named:
            if (axis, value) not in used:
                own = (why for values, why in refusals if values[axis : axis + 1] == (value,))
                raise OptionError(next(own, refusals[0][1]))
