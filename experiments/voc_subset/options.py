"""The command line that the experiments on the part of VOC share."""

from __future__ import annotations

import argparse
from pathlib import Path


def experiment_parser(name: str, description: str | None, results: Path) -> argparse.ArgumentParser:
    """Options for the pictures, the weights and the folders.

    Args:
        name: of the package under ``experiments``.
        description: of the command.
        results: where CSVs go, if nothing else is said.
    """
    parser = argparse.ArgumentParser(prog=f"python -m experiments.{name}", description=description)
    parser.add_argument("--devkit", type=Path, required=True, help="the folder that holds VOC2007")
    parser.add_argument("--weights", type=Path, required=True, help="the folder that holds yolo-lite and yolo-fastest")
    parser.add_argument("--work", type=Path, default=Path("runs/voc-subset"), help="for checkpoints and evaluations")
    parser.add_argument("--results", type=Path, default=results, help="for CSVs and figures")
    return parser
