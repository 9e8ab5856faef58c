"""``python -m experiments.voc_subset``: every step that is not done yet, then the figures and tables."""

from __future__ import annotations

from pathlib import Path

from experiments.voc_subset.choice import choose
from experiments.voc_subset.conclusions import measure
from experiments.voc_subset.options import experiment_parser
from experiments.voc_subset.plan import DISTILLED, subjects
from experiments.voc_subset.steps import Steps


def main() -> None:
    """Run what is not done."""
    options = experiment_parser("voc_subset", __doc__, Path("results/voc-subset")).parse_args()
    steps = Steps(options.devkit, options.work)
    lite, fastest = subjects(options.weights)
    choose(steps, lite, options.results)
    for subject in (lite, fastest):
        measure(steps, subject, options.results)
        steps.report(options.results / subject.name, ("default", DISTILLED.name))


if __name__ == "__main__":
    main()
