"""What each way of training gained, as Markdown, from the CSVs of a network's folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from lightning_app.records.comparisons import Comparison, read_comparisons
from lightning_app.records.differences import Difference, read_differences
from lightning_app.records.points import Point, read_points
from lightning_app.report.markdown import DASH, signed, span, table

EXPLANATION = """\
BD-KBPI-mAP is the mean difference in bits at equal mAP, in percent, by PCHIP over the lossy points; negative is fewer
bits. mAP is by VOC2007's 11 points, in percent. Intervals are 95 %, over resamples of the pictures and, with several
runs, of the runs. A point is mAP at kilobits per image. With the KLT the same QP costs fewer bits: compare points by
their bits."""
EQUAL_BITS = "mAP at the bits of the default weights, between the points by lines over the logarithm of the bits:"
SHOWN = ("32", "37", "42", "47")
HEAD = ("way", "runs", "BD against default", "BD against cloud-only", "uncoded mAP", "less default")


def gains_page(folder: Path) -> str:
    """The page ``gains.md``: a table for each cut, one row for each way."""
    gains, comparisons = read_differences(folder / "gains.csv"), read_comparisons(folder / "comparisons.csv")
    ways = ["default", *dict.fromkeys(row.weights for row in gains)]
    points = {way: read_points(folder / way.replace(" ", "-") / "points.csv") for way in ways}
    whole = {way: read_differences(folder / way.replace(" ", "-") / "bd.csv") for way in ways}
    lines = ["# What each way of training gained", "", EXPLANATION]
    for split in dict.fromkeys(row.split for row in whole["default"]):
        rows = []
        for way in ways:
            at = {point.qp: point for point in points[way] if point.split == split and point.depth == "8"}
            if at:
                rows.append(
                    [
                        way,
                        *_differences(way, split, gains, whole[way], comparisons),
                        *(_point(at.get(qp)) for qp in SHOWN),
                    ]
                )
        lines += ["", f"## {split}", "", *table((*HEAD, *(f"QP {qp}" for qp in SHOWN)), rows)]
        lines += ["", EQUAL_BITS, "", *_at_equal_bits(split, points)]
    return "\n".join([*lines, ""])


def _differences(
    way: str, split: str, gains: list[Difference], whole: list[Difference], comparisons: list[Comparison]
) -> list[str]:
    gain = next((row for row in gains if (row.weights, row.split) == (way, split)), None)
    cloud = next((row for row in whole if row.split == split), None)
    names = (way, f"{way} at {split}")
    uncoded = [row for row in comparisons if row.ours in names and row.theirs == "default" and row.qp == "original"]
    if not uncoded:  # the default weights themselves
        original = next(row for row in comparisons if row.theirs == "default" and row.qp == "original")
        return ["1", DASH, _rate(cloud), f"{100 * original.map_theirs:.2f}", DASH]
    row = uncoded[0]
    interval = span(signed(100 * row.map_low), signed(100 * row.map_high))
    less = f"{signed(100 * row.map_difference)} [{interval}]"
    return [str(row.runs), _rate(gain), _rate(cloud), f"{100 * row.map_ours:.2f}", less]


def _at_equal_bits(split: str, points: Mapping[str, Sequence[Point]]) -> list[str]:
    """A table: mAP of each way where it costs as many bits as the default weights at a QP."""
    curves = {
        way: sorted(
            (p.kbpi, 100 * p.map, p.qp) for p in found if p.split == split and p.depth == "8" and p.qp.isdigit()
        )
        for way, found in points.items()
    }
    bits = {qp: kbpi for kbpi, _, qp in curves["default"]}
    rates = {f"{bits[qp]:.1f} KBPI, QP {qp}": bits[qp] for qp in SHOWN if qp in bits}
    rows = [[way, *(_between(curve, rate) for rate in rates.values())] for way, curve in curves.items() if curve]
    return table(("way", *rates), rows)


def _between(curve: Sequence[tuple[float, float, str]], kbpi: float) -> str:
    rates, maps, _ = zip(*curve, strict=True)
    if not rates[0] <= kbpi <= rates[-1]:
        return DASH
    return f"{np.interp(np.log(kbpi), np.log(rates), maps):.2f}"


def _rate(difference: Difference | None) -> str:
    if difference is None or difference.bd_kbpi is None:
        return DASH
    text = signed(difference.bd_kbpi)
    if difference.bd_kbpi_low is None or difference.bd_kbpi_high is None:
        return text
    return f"{text} [{span(signed(difference.bd_kbpi_low), signed(difference.bd_kbpi_high))}]"


def _point(point: Point | None) -> str:
    return DASH if point is None else f"{100 * point.map:.2f} at {point.kbpi:.1f}"
