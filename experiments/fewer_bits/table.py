"""The table of docs/evidence/fewer-bits.md, from ``gains.csv``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from experiments.fewer_bits.measure import Gain
from experiments.fewer_bits.plan import cuts
from lightning_app.report.markdown import DASH, signed, span, table

BEGIN, END = "<!-- the table begins -->\n", "<!-- the table ends -->\n"
NETWORKS = {cut.split: cut.subject.name for cut in cuts(Path())}
HEAD = ("", "against the baseline", "range", "against cloud-only", "mAP without loss")


def rendered(gains: Sequence[Gain]) -> str:
    """One table for each split, in groups, as Markdown."""
    lines: list[str] = []
    for split in dict.fromkeys(gain.split for gain in gains):
        lines += [f"### {NETWORKS[split]} behind {split}", ""]
        rows: list[list[str]] = []
        group = ""
        for gain in (gain for gain in gains if gain.split == split):
            if gain.group != group:
                group = gain.group
                rows.append([f"*{group}*", *[""] * (len(HEAD) - 1)])
            rows.append([gain.name, *_rates(gain), f"{100 * gain.map_lossless:.2f}"])
        lines += [*table(HEAD, rows), ""]
    return "\n".join(lines)


def put_into(page: Path, gains: Sequence[Gain]) -> None:
    """Replace the table of a page."""
    before, _, rest = page.read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n{rendered(gains)}\n{END}{after}", "utf-8")


def _rates(gain: Gain) -> list[str]:
    return [
        _rate(gain.bd_default, gain.bd_default_low, gain.bd_default_high),
        DASH if gain.map_share is None else f"{100 * gain.map_share:.0f} %",
        _rate(gain.bd_cloud, gain.bd_cloud_low, gain.bd_cloud_high),
    ]


def _rate(value: float | None, low: float | None, high: float | None) -> str:
    if value is None:
        return DASH
    return signed(value) if low is None or high is None else f"{signed(value)} [{span(signed(low), signed(high))}]"
