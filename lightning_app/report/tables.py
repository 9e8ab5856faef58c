"""Tables for a person: percent with two decimals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.markup import escape
from rich.table import Table

from lightning_app.records.points import Point
from lightning_app.records.truth import ANNOTATIONS, behind_title


def points_table(points: Sequence[Point]) -> Table:
    """The operating points of one evaluation: QP, KBPI, mAP by both of VOC's rules, and by COCO's if measured."""
    table = Table(title=_title(points[0]), title_justify="left")
    table.add_column("QP")
    coco = all(point.map_coco is not None and point.map75 is not None for point in points)
    more = ("COCO, IoU .75", "COCO") if coco else ()
    for name in ("KBPI", "± std", "mAP % (11-point)", "mAP % (area)", *more):
        table.add_column(name, justify="right")
    for point in points:
        of_coco = [100 * one for one in (point.map75, point.map_coco) if one is not None] if coco else []
        values = (point.kbpi, point.kbpi_std, 100 * point.map, 100 * point.map_area, *of_coco)
        table.add_row(point.qp or "–", *(f"{value:.2f}" for value in values))
    return table


def comparison_table(systems: Mapping[str, Sequence[Point]]) -> Table:
    """KBPI and mAP (11-point) of several sets of weights, a row an operating point."""
    truth = next((point.truth for points in systems.values() for point in points), ANNOTATIONS)
    title = f"mAP (11-point) against kilobits per image{behind_title(truth)}"
    table = Table(title=title, title_justify="left")
    for name in ("Weights", "System", "QP"):
        table.add_column(name)
    for name in ("KBPI", "mAP %"):
        table.add_column(name, justify="right")
    for name, points in systems.items():
        for point in points:
            values = (f"{point.kbpi:.2f}", f"{100 * point.map:.2f}")
            table.add_row(escape(name), escape(point.curve), point.qp or "–", *values)
        table.add_section()
    return table


def _title(point: Point) -> str:
    pictures = f"{point.images} pictures{behind_title(point.truth)}"
    if point.system == "cloud-only":
        return f"The whole network on {point.codec} pictures, {pictures}"
    transform = f"{point.transform}, " if point.transform else ""
    scaling = f"{point.chosen_scaling}, " if point.chosen_scaling else ""
    return f"Split at {point.split}, {transform}{scaling}{point.depth} bits {point.layout}, {point.codec}, {pictures}"
