"""All operating points as Markdown, and the lossless ones beside what the paper prints."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from lightning_app.records.points import Point
from lightning_app.records.truth import explained, is_taught
from lightning_app.report.markdown import DASH, span, table
from lightning_app.report.paper import LOSSLESS_MAP, SOURCE
from lightning_app.report.series import CLOUD_ONLY, LOSSLESS, Systems, told_levels, truth_of

Column = Callable[[Point], str]
_OF_ALL = "Lossless"
"""The heading behind those of the single sets of weights."""


def points_page(systems: Systems) -> str:
    """The page ``points.md``: a table a set of weights."""
    lines = ["# Operating points", "", "mAP by VOC2007's 11 points, in percent; KBPI is kilobits per image."]
    truth = truth_of(systems)
    lines += ["", explained(truth)] if is_taught(truth) else []
    for name, (points, _) in systems.items():
        lines += ["", f"## {name}", "", _origin(points), "", *_points_table(points)]
    return "\n".join([*lines, *_lossless(systems, is_taught(truth)), ""])


def names_in(page: str) -> list[str]:
    """The names of the sets of weights that a page of `points_page` is on."""
    return [line[3:] for line in page.splitlines() if line.startswith("## ") and line != f"## {_OF_ALL}"]


def _origin(points: Sequence[Point]) -> str:
    """Which weights, on how many pictures, by which commit."""
    parts = [
        _listed(f"`{point.weights}`" for point in points if point.weights),
        f"{_listed(str(point.images) for point in points)} pictures",
        f"seed {_listed(str(point.seed) for point in points)}",
        _listed(told_levels(point.recall_levels) for point in points),
        _listed(f"commit {point.commit}" for point in points if point.commit),
    ]
    return ", ".join(part for part in parts if part) + "."


def _listed(values: Iterable[str]) -> str:
    return " and ".join(dict.fromkeys(values))


def _points_table(points: Sequence[Point]) -> list[str]:
    """Columns that no point fills are left out."""
    columns: dict[str, Column] = {
        "System": lambda point: point.curve,
        "QP": lambda point: point.qp or DASH,
        "KBPI ± std": lambda point: f"{point.kbpi:.2f} ± {point.kbpi_std:.2f}",
        "mAP (%)": lambda point: f"{100 * point.map:.2f}",
        "± std": lambda point: _percent(point.map_std),
        "95 % interval": _interval,
        "mAP, area (%)": lambda point: f"{100 * point.map_area:.2f}",
        "Loss": lambda point: DASH if point.loss is None else f"{point.loss:.2f}",
    }
    filled = {name: cell for name, cell in columns.items() if any(cell(point) != DASH for point in points)}
    return table(list(filled), [[cell(point) for cell in filled.values()] for point in points], texts=2)


def _percent(value: float | None) -> str:
    return DASH if value is None else f"{100 * value:.2f}"


def _interval(point: Point) -> str:
    if point.map_low is None or point.map_high is None:
        return DASH
    return span(_percent(point.map_low), _percent(point.map_high))


def _lossless(systems: Systems, taught: bool) -> list[str]:
    """The range of mAP over splits and depths, coded without loss."""
    rows = []
    for name, (points, _) in systems.items():
        maps = [point.map for point in points if point.qp == LOSSLESS and point.system != CLOUD_ONLY]
        if maps:
            rows.append([name, _range(min(maps), max(maps))])
    if not rows:
        return []
    printed = "the paper's, as printed, against annotations" if taught else "the paper's, as printed"
    rows.append([printed, _range(*LOSSLESS_MAP)])
    lines = table(["Weights", "mAP (%), all splits and depths"], rows)
    return ["", f"## {_OF_ALL}", "", *lines, "", f"The paper is {SOURCE}."]


def _range(low: float, high: float) -> str:
    ends = _percent(low), _percent(high)
    return ends[0] if ends[0] == ends[1] else span(*ends)
