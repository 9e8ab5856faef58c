"""How the retraining is chosen: by the loss on pictures that it has not seen, and that are not the test's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from experiments.voc_subset.plan import CANDIDATES, Subject, Training
from experiments.voc_subset.steps import HALF, HELD_OUT, Steps
from lightning_app.evaluation.runs import read_evaluation
from lightning_app.report.rows import write_rows

SPLIT = "max_5"
POINTS = ("original", "22", "27", "32", "37")
OPTIONS = ("--splits", f"[{SPLIT}]", "--qps", "[22,27,32,37]")


@dataclass(frozen=True)
class Candidate:
    """A way of retraining on the held-out pictures; a row of ``choice.csv``.

    Attributes:
        training: its name; ``default`` for the weights as they are.
        loss: mean of Darknet's loss over the pictures and over uncoded, QP 22, 27, 32 and 37: what decides.
        loss_uncoded: of uncoded pictures.
        loss_37: at QP 37.
        map_uncoded: mAP of uncoded pictures, a fraction.
        map_37: mAP at QP 37, a fraction.
        chosen: whether it has the least loss of the retrained ones.
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
    measured = [_measured(steps, subject, one.name, _trained(steps, subject, one)) for one in CANDIDATES]
    best = int(np.argmin([candidate.loss for candidate in measured]))
    control = steps.fit(subject, CANDIDATES[best], None, 0, HALF)
    rows = [default, _measured(steps, subject, "control", control), *measured]
    write_rows(results / "choice.csv", Candidate, _marked(rows, CANDIDATES[best].name))
    return CANDIDATES[best]


def _trained(steps: Steps, subject: Subject, training: Training) -> Path:
    return steps.fit(subject, training, SPLIT, 0, HALF)


def _measured(steps: Steps, subject: Subject, name: str, weights: Path) -> Candidate:
    folder = steps.evaluate(subject, weights, f"choice/{name}", OPTIONS, HELD_OUT)
    points = {one.point.qp: one.point for one in read_evaluation(folder).values()}
    losses = [float(points[qp].loss or np.nan) for qp in POINTS]
    return Candidate(name, float(np.mean(losses)), losses[0], losses[-1], points["original"].map, points["37"].map)


def _marked(rows: Sequence[Candidate], chosen: str) -> list[Candidate]:
    return [Candidate(**{**vars(row), "chosen": row.training == chosen}) for row in rows]
