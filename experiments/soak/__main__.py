"""``python -m experiments.soak``: train, draw, and say what grew; the exit status is 1 if anything did."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from experiments.soak.verdict import SETTLED, draw, growths
from experiments.soak.watch import Row
from lightning_app.records.rows import read_rows


def main() -> int:
    """Run it all."""
    parser = argparse.ArgumentParser(prog="python -m experiments.soak", description=__doc__)
    parser.add_argument("--steps", type=int, default=20_000, help="of the optimiser")
    parser.add_argument("--settled", type=int, default=SETTLED, help="steps that do not count")
    parser.add_argument("--results", type=Path, default=Path("results/soak"), help="for the CSV and the figure")
    options = parser.parse_args()
    table = options.results / "soak.csv"
    train(options.steps, table)
    rows = read_rows(table, Row, "table of a soak")
    draw(rows, options.results / "soak.png")
    grown = growths(rows, options.settled)
    print(*(grown or [f"Nothing grew from step {options.settled:,} to {rows[-1].step:,}."]), sep="\n")  # noqa: T201
    return 1 if grown else 0


def train(steps: int, table: Path) -> None:
    """The demo's second training, from initial weights and for so many steps, with a validation every 50 epochs."""
    options = {
        "model.weights": "null",
        "model.burn_in": 100,
        "model.steps": "[]",
        "trainer.max_epochs": -1,
        "trainer.max_steps": steps,
        "trainer.check_val_every_n_epoch": 50,
        "trainer.callbacks.dirpath": "checkpoints/soak",
        "trainer.callbacks.save_on_train_epoch_end": "true",
        "trainer.enable_progress_bar": "false",
        "trainer.logger.name": "soak",
        "trainer.callbacks+": "experiments.soak.watch.Watch",
        "trainer.callbacks.path": table,
    }
    command = [sys.executable, "-m", "lightning_app", "fit", "-c", "configs/demo/retrained.yaml"]
    for name, value in options.items():
        command += [f"--{name}={value}"]
    subprocess.run(command, check=True)


if __name__ == "__main__":
    sys.exit(main())
