"""Operating points: what a system costs in bits and reaches in accuracy, as rows of ``points.csv``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from lightning_app.errors import DataError
from lightning_app.records.rows import read_rows, write_rows
from lightning_app.records.truth import ANNOTATIONS

WHAT = "points.csv that `dfc test` or `dfc evaluate` wrote"

OLD_NAMES = {"bits": "depth"}
"""Columns of points.csv that were called otherwise before."""


class Columns(TypedDict):
    """What the table says of a system at one QP: the columns of the same names of a `Point`."""

    split: str
    layout: str
    codec: str
    depth: str
    passthrough: str
    zero_min: str
    scaling: str
    transform: str


@dataclass(frozen=True)
class Point:
    """One operating point; a row of ``points.csv``.

    Attributes:
        system: ``feature``, features through a channel, or ``cloud-only``, whole pictures.
        network: path of the ``.cfg``.
        weights: path of the weights or checkpoint.
        split: layer that the network is cut behind, empty for cloud-only.
        layout: how channels are laid into pictures, empty for cloud-only.
        codec: name of the codec; ``original`` for the picture's own file.
        depth: n_bit of the quantiser, the bits per sample; empty for cloud-only.
        qp: quantisation parameter, quality, ``lossless`` or ``original``, empty where nothing was set.
        images: how many pictures it was measured on.
        kbpi: kilobits an image, mean.
        kbpi_std: kilobits an image, standard deviation over the pictures.
        map: mean average precision by VOC2007's 11 points, a fraction.
        map_area: mean average precision by the area under the curve, VOC2010's, a fraction.
        seed: of the run.
        map_std: standard deviation of ``map`` over resamples of the pictures, a fraction; None where not computed.
        map_low: lower end of the 95 % interval of ``map`` over these resamples, a fraction, or None.
        map_high: its upper end, or None.
        loss: Darknet's loss, mean over the pictures, or None.
        passthrough: the second tensor that is sent, ``reduced`` or ``full``; empty for cloud-only.
        zero_min: ``true`` where the minimum is not sent; empty for cloud-only.
        scaling: how the quantiser's range is chosen, ``minmax`` where it is empty, with the levels behind a stroke
            where they are fewer than the depth has room for: ``clip/4``; empty for cloud-only.
        transform: name of what reduces the features before they are quantised, with its settings; of a chain the names
            of all, with spaces between; empty for nothing.
        commit: of the program that measured it, ``-dirty`` where its files were changed; empty where unknown.
        truth: what stood for the true boxes: ``annotations``, or ``teacher``, the name of its weights, and a digest.
        recall_levels: the 11 levels of recall that ``map`` is read at: ``tenths``, or ``arange`` for the floats of
            ``np.arange(0, 1.1, 0.1)``.
        map75: COCO's mean average precision at IoU .75, a fraction, or None.
        map_coco: COCO's mean average precision over IoUs of .5 to .95, a fraction, or None.
    """

    system: str
    network: str
    weights: str
    split: str
    layout: str
    codec: str
    depth: str
    qp: str
    images: int
    kbpi: float
    kbpi_std: float
    map: float
    map_area: float
    seed: int
    map_std: float | None = None
    map_low: float | None = None
    map_high: float | None = None
    loss: float | None = None
    passthrough: str = ""
    zero_min: str = ""
    scaling: str = ""
    transform: str = ""
    commit: str = ""
    truth: str = ANNOTATIONS
    recall_levels: str = "tenths"
    map75: float | None = None
    map_coco: float | None = None

    @property
    def label(self) -> str:
        """Short name of the QP for metrics and tables: ``qp22``, ``lossless``, or ``plain`` without a channel."""
        return qp_label(self.qp)

    @property
    def curve(self) -> str:
        """What the points that differ in QP alone share: ``max_7 tiled 8-bit HEVC``, ``cloud-only HEVC420``."""
        if self.system == "cloud-only":
            return f"{self.system} {self.codec}"
        words = [self.split, self.transform, self.layout, self.chosen_scaling, f"{self.depth}-bit", self.codec]
        return " ".join(word for word in words if word)

    @property
    def chosen_scaling(self) -> str:
        """The scaling where it is not the paper's, else empty."""
        return "" if self.scaling == "minmax" else self.scaling

    @property
    def name(self) -> str:
        """Its curve and QP, ``max_7 tiled 8-bit HEVC qp32``: its name among the points of one network and weights."""
        return f"{self.curve} {self.label}"


def qp_label(qp: object) -> str:
    """``22`` -> ``qp22``; ``lossless`` stays; the empty QP of no channel is ``plain``."""
    text = str(qp)
    return f"qp{text}" if text.isdigit() else text or "plain"


def write_points(path: Path, points: Iterable[Point]) -> None:
    """Write ``points.csv``, and the folders above it."""
    write_rows(path, Point, points)


def read_points(path: Path) -> list[Point]:
    """Read a ``points.csv``.

    Raises:
        DataError: the file cannot be read, lacks a column or holds no point.
    """
    points = read_rows(path, Point, WHAT, OLD_NAMES)
    if not points:
        raise DataError(f"{path} is no {WHAT}: it holds no point")
    return points
