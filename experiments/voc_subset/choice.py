"""How the retraining is chosen: on pictures that it has not seen, and that are not the test's.

Chosen is what has the least loss at QP 37, where coding costs, of those that lose nothing on uncoded pictures against
the weights as they are. By loss and not by mAP, which on 239 pictures is uncertain by two points.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from experiments.voc_subset.plan import CANDIDATES, Subject, Training
from experiments.voc_subset.steps import HALF, HELD_OUT, Steps
from lightning_app.errors import TrainingError
from lightning_app.evaluation.runs import read_evaluation
from lightning_app.records.rows import write_rows

SPLIT = "max_5"
POINTS = ("original", "22", "27", "32", "37")
OPTIONS = ("--splits", f"[{SPLIT}]", "--qps", "[22,27,32,37]")


@dataclass(frozen=True)
class Candidate:
    """A way of retraining on the held-out pictures; a row of ``choice.csv``.

    Attributes:
        training: its name; ``default`` for the weights as they are.
        loss: mean of Darknet's loss over the pictures and over uncoded, QP 22, 27, 32 and 37.
        loss_uncoded: of uncoded pictures.
        loss_37: at QP 37.
        map_uncoded: mAP of uncoded pictures, a fraction.
        map_37: mAP at QP 37, a fraction.
        chosen: whether it is.
    """

    training: str
    loss: float
    loss_uncoded: float
    loss_37: float
    map_uncoded: float
    map_37: float
    chosen: bool = False


def choose(steps: Steps, subject: Subject, results: Path) -> Training:
    """Train every candidate on half of trainval, measure it on the other half, and write ``choice.csv``."""
    default = _measured(steps, subject, "default", subject.weights)
    measured = {one: _measured(steps, subject, one.name, _trained(steps, subject, one)) for one in CANDIDATES}
    harmless = [one for one in CANDIDATES if measured[one].loss_uncoded <= default.loss_uncoded]
    if not harmless:
        raise TrainingError("every candidate is worse than the weights as they are: lower its learning rate")
    best = min(harmless, key=lambda one: measured[one].loss_37)
    control = _measured(steps, subject, f"{best.name}/control", steps.fit(subject, best, None, 0, HALF))
    rows = [replace(row, chosen=row.training == best.name) for row in (default, control, *measured.values())]
    write_rows(results / "choice.csv", Candidate, rows)
    return best


def _trained(steps: Steps, subject: Subject, training: Training) -> Path:
    return steps.fit(subject, training, SPLIT, 0, HALF)


def _measured(steps: Steps, subject: Subject, name: str, weights: Path) -> Candidate:
    folder = steps.evaluate(subject, weights, f"choice/{name}", OPTIONS, HELD_OUT)
    points = {one.point.qp: one.point for one in read_evaluation(folder).values()}
    losses = [float(points[qp].loss or np.nan) for qp in POINTS]
    return Candidate(name, float(np.mean(losses)), losses[0], losses[-1], points["original"].map, points["37"].map)
