"""``python -m experiments.voc_subset``: every step that is not done yet, then the figures and tables."""

from __future__ import annotations

import argparse
from pathlib import Path

from experiments.voc_subset.choice import choose
from experiments.voc_subset.conclusions import measure
from experiments.voc_subset.plan import DISTILLED, subjects
from experiments.voc_subset.steps import Steps


def main() -> None:
    """Run what is not done."""
    parser = argparse.ArgumentParser(prog="python -m experiments.voc_subset", description=__doc__)
    parser.add_argument("--devkit", type=Path, required=True, help="the folder that holds VOC2007")
    parser.add_argument("--weights", type=Path, required=True, help="the folder that holds yolo-lite and yolo-fastest")
    parser.add_argument("--work", type=Path, default=Path("runs/voc-subset"), help="for checkpoints and evaluations")
    parser.add_argument("--results", type=Path, default=Path("results/voc-subset"), help="for CSVs and figures")
    options = parser.parse_args()
    steps = Steps(options.devkit, options.work)
    lite, fastest = subjects(options.weights)
    choose(steps, lite, options.results)
    for subject in (lite, fastest):
        measure(steps, subject, options.results)
        steps.report(options.results / subject.name, ("default", DISTILLED.name))


if __name__ == "__main__":
    main()
