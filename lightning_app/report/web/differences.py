"""Bjøntegaard differences with their intervals, each drawn as a line on one scale."""

from __future__ import annotations

from lightning_app.records.differences import Difference
from lightning_app.report.markdown import DASH, signed, span
from lightning_app.report.series import Systems
from lightning_app.report.web.document import paragraphs, scrolling
from lightning_app.report.web.markup import Markup, element, joined

EXPLANATION = (
    "BD-KBPI-mAP is the mean difference in kilobits per image at the same mAP, in percent: a negative number means "
    "fewer bits. BD-mAP is the mean difference in mAP at the same rate, in points. The brackets are 95 % intervals "
    "over resamples of the pictures; they are drawn on one scale, where the dashed line is 0. A dash is not known."
)
HEAD = ("Curve", "Against", "BD-KBPI-mAP (%)", "drawn", "cubic (%)", "BD-mAP (points)")
TEXTS = ("Weights", "Curve", "Against", "drawn")
"""Columns that stand left."""
WIDTH, HEIGHT = 200, 18
"""Of a line of the plot, in units."""


def differences(systems: Systems) -> Markup | None:
    """The table, a row a curve; None where no curve was compared."""
    found = [(name, one) for name, (_, some) in systems.items() for one in some]
    if not found:
        return None
    ends = [end for _, one in found for end in _ends(one)]
    low, high = min([0.0, *ends]), max([0.0, *ends])
    notes = list(dict.fromkeys(one.note for _, one in found if one.note))
    several = len(systems) > 1
    rows = [_row(name if several else None, one, (low, high), notes) for name, one in found]
    head = [*(["Weights"] if several else []), *HEAD]
    number = {name: None if name in TEXTS else "number" for name in head}
    heads = element("thead", element("tr", *(element("th", name, scope="col", class_=number[name]) for name in head)))
    made = element("table", element("caption", "Differences"), heads, element("tbody", *rows))
    listed = element("ol", *(element("li", note, id=f"note-{i}") for i, note in enumerate(notes, 1)), class_="notes")
    return joined([paragraphs(EXPLANATION), scrolling(made, "Differences"), listed if notes else Markup()])


def _row(name: str | None, one: Difference, scale: tuple[float, float], notes: list[str]) -> Markup:
    number = notes.index(one.note) + 1 if one.note else 0
    mark = element("sup", element("a", str(number), href=f"#note-{number}", aria_label=f"note {number}"))
    cells = [
        *([] if name is None else [element("th", name, scope="row")]),
        element("th", one.curve, mark if number else "", scope="row"),
        element("td", one.anchor),
        _number(one.bd_kbpi, 1, _interval(one.bd_kbpi_low, one.bd_kbpi_high, 1)),
        element("td", _line(one, scale)),
        _number(one.bd_kbpi_cubic, 1),
        _number(one.bd_map, 100, _interval(one.bd_map_low, one.bd_map_high, 100)),
    ]
    return element("tr", *cells)


def _number(value: float | None, scale: float, interval: str = "") -> Markup:
    shown = DASH if value is None else signed(scale * value)
    return element("td", element("strong", shown) if interval else shown, interval, class_="number")


def _interval(low: float | None, high: float | None, scale: float) -> str:
    return "" if low is None or high is None else f" [{span(signed(scale * low), signed(scale * high))}]"


def _ends(one: Difference) -> list[float]:
    return [value for value in (one.bd_kbpi_low, one.bd_kbpi, one.bd_kbpi_high) if value is not None]


def _line(one: Difference, scale: tuple[float, float]) -> str:
    """The interval as a line, its value as a dot, and nothing saved as a rule across."""
    ends = _ends(one)
    if not ends or scale[0] == scale[1]:
        return DASH

    def at(value: float) -> str:
        return f"{6 + (WIDTH - 12) * (value - scale[0]) / (scale[1] - scale[0]):.2f}"

    middle = HEIGHT / 2
    parts = [element("line", x1=at(0), x2=at(0), y1=0, y2=HEIGHT, class_="zero")]
    parts.append(element("line", x1=at(min(ends)), x2=at(max(ends)), y1=middle, y2=middle, class_="interval"))
    if one.bd_kbpi is not None:
        parts.append(element("circle", cx=at(one.bd_kbpi), cy=middle, r=4))
    label = f"BD-KBPI-mAP of {one.curve}, drawn"
    return element("svg", *parts, viewBox=f"0 0 {WIDTH} {HEIGHT}", class_="span", role="img", aria_label=label)
