"""How many kilobits each split sends: measured ones from ``points.csv`` files, raw ones where none were measured."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from lightning_app.errors import DataError, OptionError
from lightning_app.records.points import Point, read_points
from lightning_app.records.truth import beside_map, check_one_truth
from lightning_app.shipped import find_network
from lightning_app.statistics import check_same_levels

LOSSLESS = "lossless"


class Size(NamedTuple):
    """What one image takes on the uplink.

    Attributes:
        kbpi: kilobits.
        source: where they are from, for a person.
        measured: whether a codec's or a file's bytes were counted.
    """

    kbpi: float
    source: str
    measured: bool


def raw_size(samples: int) -> Size:
    """Features as they are, 32 bits a sample, as Neurosurgeon [3] sends them."""
    return Size(32 * samples / 1000, "raw float32, not measured", measured=False)


def read_all(paths: Iterable[Path], network: Path, splits: Collection[str]) -> list[Point]:
    """The points of several files.

    Raises:
        DataError: one cannot be read, is of another network, or of a split that is none of these, or they were measured
            against different truths or with different levels of recall.
    """
    points = [(path, point) for path in paths for point in read_points(path)]
    for path, point in points:
        if find_network(point.network).name != network.name:
            raise DataError(f"{path} was measured on {point.network}, not on {network.name}; leave it out")
        if point.system == "feature" and point.split not in splits:
            raise DataError(f"{path} has points of the split {point.split}, which {network.name} is not cut behind")
    check_one_truth(point.truth for _, point in points)
    check_same_levels(point.recall_levels for _, point in points)
    return [point for _, point in points]


def feature_sizes(points: Sequence[Point], qp: str | None) -> dict[str, Size]:
    """The measured size of each split that has one.

    Args:
        points: of splits and of whole pictures.
        qp: the operating point of a split: of those with this QP the one of the lowest rate; None takes the lossless
            one of the lowest rate, or where there is none the one of the highest rate.

    Raises:
        OptionError: no split was measured at this QP.
    """
    features = [point for point in points if point.system == "feature"]
    splits = dict.fromkeys(point.split for point in features)
    chosen = {split: _chosen([point for point in features if point.split == split], qp) for split in splits}
    sizes = {split: _measured(point) for split, point in chosen.items() if point}
    if qp is not None and not sizes:
        there = ", ".join(dict.fromkeys(point.qp for point in features)) or "no splits at all"
        raise OptionError(f"no split was measured at QP {qp}; the points have {there}")
    return sizes


def picture_sizes(points: Sequence[Point], qp: str | None) -> dict[str, Size]:
    """The sizes of the picture that cloud-only sends, by the name of the system, each where it was measured.

    They are the picture's own file, ``cloud-only``, and the picture as each codec codes it, ``cloud-only HEVC420``.

    Args:
        points: of splits and of whole pictures.
        qp: the operating point of a codec, as of a split.
    """
    whole = [point for point in points if point.system == "cloud-only"]
    sizes = {point.system: _measured(point) for point in whole if point.codec == "original"}
    for curve in dict.fromkeys(point.curve for point in whole if point.codec != "original"):
        point = _chosen([point for point in whole if point.curve == curve], qp)
        if point:
            sizes[curve] = _measured(point)
    return sizes


def _chosen(points: Sequence[Point], qp: str | None) -> Point | None:
    wanted = [point for point in points if point.qp == (qp or LOSSLESS)]
    if wanted:
        return min(wanted, key=lambda point: point.kbpi)
    return max(points, key=lambda point: point.kbpi, default=None) if qp is None else None


def _measured(point: Point) -> Size:
    """The source without the split, which stands beside it: ``8-bit tiled HEVC qp32, mAP 37.60 %``."""
    words = (f"{point.depth}-bit", point.layout, point.chosen_scaling, point.codec)
    kind = point.codec if point.system == "cloud-only" else " ".join(filter(None, words))
    label = "" if point.qp in ("", "original") else f" {point.label}"
    return Size(point.kbpi, f"{kind}{label}, mAP{beside_map(point.truth)} {100 * point.map:.2f} %", measured=True)
