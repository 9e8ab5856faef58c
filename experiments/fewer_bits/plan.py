"""The rows of the table: each changes one thing, or names what it combines."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from experiments.voc_subset.plan import QPS, Subject, Way, subjects, transforms

LEVELS = (2, 3, 4, 6, 8, 12, 16, 24, 32, 64)
"""Of few-level features: the operating points of a codec that is lossless."""


@dataclass(frozen=True)
class Row:
    """One way to spend fewer bits.

    Attributes:
        group: heading under which it stands.
        name: of the row.
        options: of ``dfc evaluate``, beside the network, the split and the QPs.
        way: how the weights are trained; None for the weights as they are.
        by_levels: the operating points are `LEVELS`, coded without loss, and not QPs.
        by_channel: each channel has a range of its own, which is no option of ``dfc`` but an experiment.
    """

    group: str
    name: str
    options: tuple[str, ...] = ()
    way: Way | None = None
    by_levels: bool = False
    by_channel: bool = False

    @property
    def swept(self) -> tuple[str, ...]:
        """The options that make the operating points."""
        if not self.by_levels:
            return (*self.options, "--qps", QPS)
        (scaling,) = self.options
        scalings = ",".join(f"{scaling}/{levels}" for levels in LEVELS)
        return ("--codecs", "[JPEGXL]", "--qps", "[lossless]", "--scalings", f"[{scalings}]")


def _transform(*chain: str) -> tuple[str, ...]:
    return transforms(*chain)


def _one(kind: str, **settings: float) -> str:
    """A transform in JSON."""
    written = ",".join(f'"{name}":{value:g}' for name, value in settings.items())
    return f'{{"class_path":"lightning_app.transforms.{kind}","init_args":{{{written}}}}}'


def _ctu(side: int) -> tuple[str, ...]:
    """The option that codes with the paper's tools and another CTU."""
    codec = f'{{"class_path":"experiments.fewer_bits.larger_ctu.LargerCTU","init_args":{{"ctu":{side}}}}}'
    return ("--model.channel.codec", codec)


def _trained(name: str, *chain: str) -> Row:
    """A row whose weights are distilled with transforms, followed by a `Correction`."""
    through = _transform(*chain, _one("Correction"))
    return Row("Trained by distillation, one run", name, through, Way(name, options=through, seeds=(0,)))


CODEC, QUANTISER = "Codec and layout", "Quantiser"
FOUND = "Transforms, without training"
KLT = _one("KLT")

ROWS = (
    Row(CODEC, "HEVC best", ("--codecs", "[HEVC/best]")),
    Row(CODEC, "HEVC faster", ("--codecs", "[HEVC/faster]")),
    Row(CODEC, "HEVC, CTU 32", _ctu(32)),
    Row(CODEC, "HEVC, CTU 64", _ctu(64)),
    Row(CODEC, "AVC", ("--codecs", "[AVC]")),
    Row(CODEC, "quilted", ("--layouts", "[quilted]")),
    Row(CODEC, "a video of channels, inter", ("--layouts", "[frames]", "--codecs", "[HEVC/paper/inter]")),
    Row(QUANTISER, "10 bits", ("--depths", "[10]")),
    Row(QUANTISER, "z-score", ("--scalings", "[zscore]")),
    Row(QUANTISER, "clip", ("--scalings", "[clip]")),
    Row(QUANTISER, "a range for each channel", by_channel=True),
    Row(QUANTISER, "2 to 64 levels, JPEG XL", ("minmax",), by_levels=True),
    Row(QUANTISER, "clip, 2 to 64 levels, JPEG XL", ("clip",), by_levels=True),
    Row(FOUND, "ChannelGain", _transform(_one("ChannelGain"))),
    Row(FOUND, "ChannelTruncation, 3/4", _transform(_one("ChannelTruncation"))),
    Row(FOUND, "ChannelSelection, 1/2", _transform(_one("ChannelSelection"))),
    Row(FOUND, "KLT, plain", _transform(_one("KLT", sensitivity=0))),
    Row(FOUND, "KLT", _transform(KLT)),
    Row(FOUND, "KLT, full sensitivity", _transform(_one("KLT", sensitivity=1))),
    Row(FOUND, "KLT, 1/2 of the components", _transform(KLT, _one("ChannelTruncation", keep=0.5))),
    Row(FOUND, "KLT, HEVC best", (*_transform(KLT), "--codecs", "[HEVC/best]")),
    Row(FOUND, "KLT, clip", (*_transform(KLT), "--scalings", "[clip]")),
    _trained("KLT, Correction", KLT),
    _trained("Bottleneck, 1/4 of the channels", _one("Bottleneck", channels=16)),
    _trained("Bottleneck, 1/2 of the channels", _one("Bottleneck", channels=32)),
    _trained("Bottleneck, 3/4 of the channels", _one("Bottleneck", channels=48)),
    _trained("ChannelSelection, 1/4", _one("ChannelSelection", keep=0.25)),
    _trained("BackAndForth, 1/4", _one("BackAndForth", keep=0.25)),
    _trained("BackAndForth, 1/2", _one("BackAndForth", keep=0.5)),
)

AGAIN = ("clip", "KLT", "KLT, full sensitivity", "KLT, 1/2 of the components")
"""Rows that are measured with a second network."""


@dataclass(frozen=True)
class Cut:
    """One part of the table.

    Attributes:
        subject: the network.
        split: layer that it is cut behind.
        rows: that are measured there.
    """

    subject: Subject
    split: str
    rows: tuple[Row, ...]


def cuts(weights: Path) -> tuple[Cut, Cut]:
    """Where the rows are measured, by the folder of the weights: all of them, and a few again with a larger network."""
    lite, fastest = subjects(weights)
    again = tuple(row for row in ROWS if row.name in AGAIN)
    return Cut(lite, lite.splits[0], ROWS), Cut(fastest, fastest.splits[0], again)
