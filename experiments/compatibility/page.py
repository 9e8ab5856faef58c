"""The page of a survey: networks by family and by repository, and those that are refused with their reasons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import PurePosixPath

from experiments.compatibility.survey import Judged

DETECTORS = ("YOLOv2", "YOLO9000", "YOLOv3", "YOLOv4", "scaled YOLOv4, YOLOv7", "Gaussian YOLOv3")
"""The families with ``[region]`` or ``[yolo]`` heads, in the order of the table."""
COLUMNS = ("networks", "built", "equal to OpenCV", "differs from it", "not read by it", "refused")


def page(rows: Sequence[Judged]) -> str:
    """What was found, in Markdown."""
    detectors = [row for row in rows if row.family in DETECTORS]
    built = sum(not row.reason for row in detectors)
    share = f", {100 * built / len(detectors):.1f} %" if detectors else ""
    families = [*DETECTORS, *sorted({row.family for row in rows} - set(DETECTORS))]
    parts = [
        "# Published networks",
        "Written by `make compatibility CFGS=FOLDER`; [networks.csv](networks.csv) has a row for each different file.",
        f"{sum(row.copies for row in rows):,} files, {len(rows):,} different ones. Of {len(detectors):,} detectors "
        f"with `[region]` or `[yolo]` heads {built:,} are built{share}. OpenCV's importer is given the same random "
        "weights; an output is equal if it differs by less than 1e-4 of its largest value. OpenCV reads "
        "over `share_index`, `xnor`, `binary` and `dilation`: networks with them differ from what it makes of them.",
        "## By family",
        _table("family", families, rows, lambda row: row.family),
        "## By repository",
        _table("folder", sorted({_repository(row) for row in rows}), rows, _repository),
    ]
    refused = [row for row in rows if row.reason]
    if refused:
        reasons = ["| file | reason |", "| --- | --- |", *(f"| `{row.file}` | {row.reason} |" for row in refused)]
        parts += ["## Refused", "\n".join(reasons)]
    return "\n\n".join(parts) + "\n"


def _repository(row: Judged) -> str:
    return PurePosixPath(row.file).parts[0]


def _table(title: str, groups: Iterable[str], rows: Sequence[Judged], group_of: Callable[[Judged], str]) -> str:
    lines = [f"| {title} | {' | '.join(COLUMNS)} |", f"| --- |{' ---: |' * len(COLUMNS)}"]
    for group in groups:
        members = [row for row in rows if group_of(row) == group]
        if members:
            found = Counter(row.opencv for row in members)
            refused = sum(bool(row.reason) for row in members)
            numbers = (
                len(members),
                len(members) - refused,
                *(found[name] for name in ("equal", "differs", "not read")),
            )
            lines.append(f"| {group} | {' | '.join(map(str, (*numbers, refused)))} |")
    return "\n".join(lines)
