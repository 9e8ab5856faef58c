"""Ways of training compared on the same pictures, as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from lightning_app.records.comparisons import Comparison
from lightning_app.records.truth import explained, is_taught
from lightning_app.report.markdown import DASH, signed, span, table

EXPLANATION = """\
Differences are ours less theirs, on the same pictures. The first interval (95 %) is over resamples of the pictures, for
these very runs; the second also over resamples of the runs, which differ in their seeds: of three runs that is a rough
guess. The penalty is Darknet's loss of coded less that of uncoded pictures; its interval is over both."""
HEAD = (
    *("QP", "mAP (%)", "theirs", "difference", "95 %, pictures", "95 %, pictures and runs"),
    *("penalty", "theirs", "difference", "95 %", "ratio"),
)


def comparisons_page(comparisons: Sequence[Comparison]) -> str:
    """The page ``comparisons.md``: a table a pair of ways and curve."""
    lines = ["# Ways of training compared", "", EXPLANATION]
    for truth in dict.fromkeys(row.truth for row in comparisons if is_taught(row.truth)):
        lines += ["", explained(truth)]
    for ours, theirs in dict.fromkeys((row.ours, row.theirs) for row in comparisons):
        rows = [row for row in comparisons if (row.ours, row.theirs) == (ours, theirs)]
        lines += ["", f"## {ours}, less {theirs}", "", f"{rows[0].runs} runs each."]
        for curve in dict.fromkeys(row.curve for row in rows):
            lines += ["", f"### {curve}", "", *table(HEAD, [cells(row) for row in rows if row.curve == curve])]
    return "\n".join([*lines, ""])


def cells(row: Comparison) -> list[str]:
    """The row of a table with the head `HEAD`."""
    coded = row.split != "" or row.qp.isdigit()
    penalty = [
        *(signed(row.penalty_ours), signed(row.penalty_theirs), signed(row.penalty_difference)),
        span(signed(row.penalty_low), signed(row.penalty_high)),
        f"{row.penalty_ours / row.penalty_theirs:.2f}" if row.penalty_theirs > 0.05 else DASH,
    ]
    return [
        row.qp,
        *(f"{100 * value:.2f}" for value in (row.map_ours, row.map_theirs)),
        signed(100 * row.map_difference),
        span(signed(100 * row.map_low_pictures), signed(100 * row.map_high_pictures)),
        span(signed(100 * row.map_low), signed(100 * row.map_high)),
        *(penalty if coded else [DASH] * len(penalty)),
    ]
