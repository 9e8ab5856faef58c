"""All operating points in one table that can be sorted."""

from __future__ import annotations

from collections.abc import Callable

from lightning_app.records.points import Point
from lightning_app.report.markdown import DASH, span
from lightning_app.report.series import Systems
from lightning_app.report.web.document import paragraphs
from lightning_app.report.web.markup import Markup, joined
from lightning_app.report.web.tables import Cell, number, percent, table

FIRST = {"original": -2.0, "": -2.0, "lossless": -1.0}
"""Where QPs that are no numbers stand among those that are."""
WORDS = "mAP is in percent, by VOC2007's 11 points; “area” is the area under the curve. KBPI is kilobits per image."
SORTING = "A click on the name of a column sorts by it, and a second one the other way round."


def points(systems: Systems) -> Markup:
    """The table, a row a point; columns that no point fills are left out."""
    columns: dict[str, Callable[[Point], Cell]] = {
        "System": lambda point: Cell(point.curve),
        "QP": lambda point: Cell(point.qp or DASH, _qp(point.qp)),
        "KBPI": lambda point: number(point.kbpi),
        "± std": lambda point: number(point.kbpi_std),
        "mAP": lambda point: percent(point.map),
        "mAP ± std": lambda point: percent(point.map_std),
        "mAP, 95 %": _interval,
        "mAP, area": lambda point: percent(point.map_area),
        "mAP, COCO, IoU .75": lambda point: percent(point.map75),
        "mAP, COCO": lambda point: percent(point.map_coco),
        "Loss": lambda point: number(point.loss),
    }
    every = [(name, point) for name, (some, _) in systems.items() for point in some]
    filled = {name: cell for name, cell in columns.items() if any(cell(point).shown != DASH for _, point in every)}
    several = ["Weights"] if len(systems) > 1 else []
    rows = [[*(Cell(name) for _ in several), *(cell(point) for cell in filled.values())] for name, point in every]
    caption = f"{len(rows)} operating points"
    made = table([*several, *filled], rows, caption, 1 + len(several), sortable=True)
    return joined([paragraphs(f"{WORDS} {SORTING}"), made])


def _qp(text: str) -> float | None:
    return float(text) if text.isdigit() else FIRST.get(text)


def _interval(point: Point) -> Cell:
    """It is sorted by its lower end."""
    low, high = percent(point.map_low), percent(point.map_high)
    return Cell(DASH) if DASH in (low.shown, high.shown) else Cell(span(low.shown, high.shown), low.value)
