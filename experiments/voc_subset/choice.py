"""How the recipe is chosen: on pictures that it has not seen, and that are not the test's.

Chosen is what saves most bits against the weights as they are, of those that lose no mAP on uncoded pictures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from experiments.voc_subset.plan import CANDIDATES, HALF, HELD_OUT, QPS, Subject, Way
from experiments.voc_subset.steps import Steps, named
from lightning_app.errors import TrainingError
from lightning_app.evaluation.runs import compare_curves, read_evaluation
from lightning_app.records.points import Point
from lightning_app.records.rows import write_rows


@dataclass(frozen=True)
class Candidate:
    """A way of retraining on the held-out pictures, one run; a row of ``choice.csv``.

    Attributes:
        training: its name; ``default`` for the weights as they are.
        bd_kbpi: bits that it saves or costs against the weights as they are at equal mAP, in percent.
        map_uncoded: mAP of uncoded pictures, a fraction.
        map_32: mAP at QP 32, a fraction.
        kbpi_32: kilobits an image at QP 32.
        map_37: and so on.
        kbpi_37: and so on.
        map_42: and so on.
        kbpi_42: and so on.
        map_47: and so on.
        kbpi_47: and so on.
        chosen: whether it is.
    """

    training: str
    bd_kbpi: float
    map_uncoded: float
    map_32: float
    kbpi_32: float
    map_37: float
    kbpi_37: float
    map_42: float
    kbpi_42: float
    map_47: float
    kbpi_47: float
    chosen: bool = False


def choose(steps: Steps, subject: Subject, results: Path) -> Way:
    """Train every candidate at the first cut without the held-out pictures, measure it on them; ``choice.csv``."""
    split = subject.splits[0]
    options = ("--splits", f"[{split}]", "--qps", QPS)
    default = steps.evaluate(subject, subject.weights, "default", options, pictures=HELD_OUT)
    rows: dict[Way | None, Candidate] = {None: _candidate("default", default, default)}
    for way in (replace(one, pictures=HALF, name=f"choice/{one.name}") for one in CANDIDATES):
        weights, name = steps.fit(subject, way, split, 0), named(way, split, 0)
        channel = ("--model.channel.split", split, *way.measured)
        folder = steps.evaluate(subject, weights, name, (*channel, *options), way, HELD_OUT)
        rows[way] = _candidate(way.name.removeprefix("choice/"), folder, default)
    best = _best(rows)
    write_rows(results / "choice.csv", Candidate, [replace(row, chosen=row == rows[best]) for row in rows.values()])
    return next(one for one in CANDIDATES if one.name == rows[best].training)


def _best(rows: Mapping[Way | None, Candidate]) -> Way:
    harmless = [way for way, row in rows.items() if way is not None and row.map_uncoded >= rows[None].map_uncoded]
    if not harmless:
        raise TrainingError("every candidate loses accuracy on uncoded pictures: lower its learning rate")
    return min(harmless, key=lambda way: rows[way].bd_kbpi)


def _candidate(name: str, folder: Path, default: Path) -> Candidate:
    points: dict[str, Point] = {one.point.qp: one.point for one in read_evaluation(folder).values()}
    (difference,) = compare_curves([folder], default, resamples=1)
    values = {f"{kind}_{qp}": getattr(points[qp], kind) for qp in ("32", "37", "42", "47") for kind in ("map", "kbpi")}
    return Candidate(name, difference.bd_kbpi or 0.0, points["original"].map, **values)
