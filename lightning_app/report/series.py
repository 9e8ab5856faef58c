"""Which operating points belong together in a figure, in what order, and under what name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from lightning_app.records.differences import Difference
from lightning_app.records.points import Point
from lightning_app.records.truth import ANNOTATIONS, check_one_truth
from lightning_app.statistics import check_same_levels

Systems = Mapping[str, tuple[Sequence[Point], Sequence[Difference]]]
"""Points and differences of each set of weights, by the name to print; the first is the default one."""

CLOUD_ONLY = "cloud-only"
LOSSLESS = "lossless"


def truth_of(systems: Systems) -> str:
    """What all of them were measured against.

    Raises:
        DataError: they were measured against different truths, or their mAP is of different levels of recall.
    """
    truths = [point.truth for points, _ in systems.values() for point in points]
    truths += [one.truth for _, differences in systems.values() for one in differences]
    check_one_truth(truths)
    check_same_levels(point.recall_levels for points, _ in systems.values() for point in points)
    return truths[0] if truths else ANNOTATIONS


def told_levels(name: str) -> str:
    """Levels of recall that are not the default, in words; nothing on the default."""
    return "" if name == "tenths" else f"recall levels of {name}"


def without_transforms(systems: Systems) -> Systems:
    """The same, with no transform in a curve's name where all features of a set of weights have the same one.

    It belongs to these weights then, and their curves stand beside those of other weights at the same split.
    """
    return {name: _without_transform(points, others) for name, (points, others) in systems.items()}


def _without_transform(
    points: Sequence[Point], differences: Sequence[Difference]
) -> tuple[list[Point], list[Difference]]:
    transforms = {point.transform for point in points if point.system != CLOUD_ONLY}
    if len(transforms) != 1:
        return list(points), list(differences)
    bare = {point.curve: replace(point, transform="").curve for point in points}
    named = [replace(one, curve=bare.get(one.curve, one.curve)) for one in differences]
    return [replace(point, transform="") for point in points], named


def lossy_curves(points: Iterable[Point]) -> dict[str, list[Point]]:
    """Points by curve, as Fig. 5 joins them: QPs ascending, the lossless point before them.

    A curve without a QP that is a number is none.
    """
    points = list(points)
    numeric = {point.curve for point in points if point.qp.isdigit()}
    joined = [p for p in points if p.curve in numeric and (p.qp.isdigit() or p.qp == LOSSLESS)]
    return _grouped(joined, lambda point: point.curve, lambda point: int(point.qp) if point.qp.isdigit() else -1)


def lossless_curves(points: Iterable[Point]) -> dict[str, list[Point]]:
    """Lossless points by split, transform, layout, scaling and codec, as Fig. 4 joins them: depths ascending."""
    lossless = [point for point in points if point.qp == LOSSLESS]
    return _grouped(lossless, _curve_without_depth, lambda point: int(point.depth or 0))


def originals(points: Iterable[Point]) -> list[Point]:
    """What the original files cost and reach in the cloud."""
    return [point for point in points if point.system == CLOUD_ONLY and point.codec == "original"]


def short_names(curves: Iterable[tuple[str, str]]) -> dict[str, str]:
    """What to print for each curve, cloud-only ones first, then in the order of the layers.

    A curve is called by its split where no other has the same: ``max_7 tiled 8-bit HEVC`` -> ``max_7``.

    Args:
        curves: split and curve; the same may come more than once.
    """
    ordered = sorted(dict.fromkeys(curves), key=lambda both: (both[0] != "", layer_number(both[0])))
    splits = [split for split, _ in ordered]
    return {curve: split if split and splits.count(split) == 1 else curve for split, curve in ordered}


def layer_number(split: str) -> int:
    """The Darknet index in a layer's name: ``max_17`` -> 17; -1 where there is none."""
    digits = split.rpartition("_")[2]
    return int(digits) if digits.isdigit() else -1


def _curve_without_depth(point: Point) -> str:
    """``max_7 tiled 8-bit HEVC`` -> ``max_7 tiled HEVC``."""
    if point.system == CLOUD_ONLY:
        return point.curve
    return " ".join(filter(None, (point.split, point.transform, point.layout, point.chosen_scaling, point.codec)))


def _grouped(
    points: Iterable[Point], name: Callable[[Point], str], order: Callable[[Point], int]
) -> dict[str, list[Point]]:
    groups: dict[str, list[Point]] = {}
    for point in sorted(points, key=order):
        groups.setdefault(name(point), []).append(point)
    return groups


def places(points: Iterable[Point]) -> tuple[list[float], list[float]]:
    """Where points stand in a figure: KBPI, and mAP in percent."""
    points = list(points)
    return [point.kbpi for point in points], [100 * point.map for point in points]
