"""Table 1: what features save against the cloud-only way, beside what the paper prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lightning_app.records.differences import Difference
from lightning_app.records.truth import explained, is_taught
from lightning_app.report.markdown import DASH, signed, span, table
from lightning_app.report.paper import SOURCE, TABLE_1
from lightning_app.report.series import Systems, short_names, truth_of

COLUMNS = ("BD-KBPI-mAP (%), cubic", "PCHIP (%) [95 %]", "BD-mAP (points) [95 %]")
EXPLANATION = """\
BD-KBPI-mAP is the mean difference in kilobits per image at the same mAP, negative where bits are saved; by cubic fits,
the paper's measure, and by PCHIP on the monotone envelopes. BD-mAP is the mean difference in mAP at the same rate.
Intervals are over resamples of the pictures. A dash is not measured or, with a footnote, has no meaning."""


class Footnotes:
    """Sentences by their numbers; the same sentence has one number."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def mark(self, sentence: str) -> str:
        """The sign that stands at a cell."""
        return f" [^{self.numbers.setdefault(sentence, len(self.numbers) + 1)}]" if sentence else ""

    def lines(self) -> list[str]:
        """The footnotes themselves."""
        return [f"[^{number}]: {sentence}" for sentence, number in self.numbers.items()]


def table1_page(systems: Systems) -> str | None:
    """The page ``table1.md``: a row a split, the columns by weights; None where no curve was compared."""
    by_weights = {name: {d.curve: d for d in found} for name, (_, found) in systems.items() if found}
    differences = [difference for found in by_weights.values() for difference in found.values()]
    if not differences:
        return None
    notes = Footnotes()
    anchors = " or ".join(dict.fromkeys(difference.anchor for difference in differences))
    lines = [f"# Table 1. BD-KBPI-mAP of lossy feature compression vs. {anchors}", "", EXPLANATION, ""]
    truth = truth_of(systems)
    lines += [explained(truth), ""] if is_taught(truth) else []
    lines += _measured(by_weights, short_names((d.split, d.curve) for d in differences), notes)
    lines += ["", "## As the paper prints it", "", *_printed(), ""]
    return "\n".join([*lines, *notes.lines(), *([""] if notes.numbers else [])])


def _measured(
    by_weights: Mapping[str, Mapping[str, Difference]], names: Mapping[str, str], notes: Footnotes
) -> list[str]:
    head = ["Split at", *(f"{weights}: {column}" for weights in by_weights for column in COLUMNS)]
    rows = [
        [name, *(cell for found in by_weights.values() for cell in _cells(found.get(curve), notes))]
        for curve, name in names.items()
    ]
    return table(head, rows)


def _cells(difference: Difference | None, notes: Footnotes) -> list[str]:
    """Cubic, PCHIP and BD-mAP; the note stands where a number is missing, and at the first where none is."""
    if difference is None:
        return [DASH] * len(COLUMNS)
    d = difference
    cells = [
        DASH if d.bd_kbpi_cubic is None else signed(d.bd_kbpi_cubic),
        _with_interval(d.bd_kbpi, d.bd_kbpi_low, d.bd_kbpi_high, 1),
        _with_interval(d.bd_map, d.bd_map_low, d.bd_map_high, 100),
    ]
    marked = [i for i, cell in enumerate(cells) if cell == DASH] or [0]
    return [cell + (notes.mark(d.note) if i in marked else "") for i, cell in enumerate(cells)]


def _with_interval(value: float | None, low: float | None, high: float | None, scale: float) -> str:
    if value is None:
        return DASH
    interval = "" if low is None or high is None else f" [{span(signed(scale * low), signed(scale * high))}]"
    return signed(scale * value) + interval


def _printed() -> list[str]:
    """The paper's own Table 1."""
    head = ["Split at", "Default weights: BD-KBPI-mAP (%)", "Re-trained weights: BD-KBPI-mAP (%)"]
    rows: Sequence[Sequence[str]] = [
        [split, signed(default), signed(retrained)] for split, default, retrained in TABLE_1
    ]
    return [f"The paper is {SOURCE}.", "", *table(head, rows)]
