"""The steps of the experiment: commands of ``dfc``, each run once, each leaving a file that says that it is done."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from experiments.voc_subset.plan import Subject, Training

HALF, WHOLE, HELD_OUT, TEST = "VOC2007/train", "VOC2007/trainval", "VOC2007/val", "VOC2007/test"
EPOCHS = {HALF: 2, WHOLE: 1}
"""Half the pictures are seen in twice the epochs: the choice is made at the number of steps that it is made for."""


@dataclass(frozen=True)
class Steps:
    """Trainings and evaluations that are run unless they are done.

    Attributes:
        devkit: the VOC devkit.
        work: folder of checkpoints, evaluations and coded pictures.
    """

    devkit: Path
    work: Path

    def fit(self, subject: Subject, training: Training, split: str | None, seed: int, pictures: str = WHOLE) -> Path:
        """The checkpoint of a training through the codec at a split, or of the control without one."""
        way = "control" if split is None else f"retrained.{split}"
        folder = self._folder(subject, pictures) / training.name / f"{way}.{seed}"
        last, done = folder / "last.ckpt", folder / "trained.ckpt"
        if not done.exists():
            run = replace(training, epochs=EPOCHS[pictures] * training.epochs)
            resume = ["--ckpt_path", last] if last.exists() else []
            options = {
                "seed_everything": seed,
                "data.root": self.devkit,
                "data.train": f"[{pictures}]",
                "data.val": f"[{pictures}]",
                "model.network": subject.network,
                "model.weights": subject.weights,
                **quietly(folder),
            }
            self._dfc("fit", "-c", subject.config, *_written(options), *run.options(split), *resume)
            last.rename(done)
        return done

    def evaluate(
        self, subject: Subject, weights: Path, name: str, options: Sequence[str], pictures: str = TEST
    ) -> Path:
        """The folder of an evaluation."""
        folder = self._folder(subject, pictures) / "evaluations" / name
        if not (folder / "outcomes.npz").exists():
            fixed = {
                "data.root": self.devkit,
                "data.test": f"[{pictures}]",
                "model.network": subject.network,
                "model.weights": weights,
                "output": folder,
                "cache": self.work / "coded",
                "trainer.default_root_dir": folder,
                "trainer.logger": "false",
                "trainer.callbacks": "[]",
                "trainer.enable_progress_bar": "false",
            }
            self._dfc("evaluate", "-c", subject.config, *_written(fixed), *options)
        return folder

    def report(self, folder: Path) -> None:
        """Figures and tables of a network, from its CSVs alone."""
        systems = [f"{name}={folder / name}" for name in ("default", "retrained")]
        self._dfc("report", *systems, "--comparisons", folder / "comparisons.csv", "--output", folder)

    def _folder(self, subject: Subject, pictures: str) -> Path:
        return self.work / subject.name / pictures.replace("/", "-")

    def _dfc(self, *arguments: object) -> None:
        command = [str(argument) for argument in arguments]
        print("dfc", *command, flush=True)  # noqa: T201
        subprocess.run([sys.executable, "-m", "lightning_app", *command], check=True)


def quietly(folder: Path) -> dict[str, object]:
    """Options of a training that measures nothing on the way and keeps its last checkpoint in a folder."""
    callback = {
        "class_path": "pytorch_lightning.callbacks.ModelCheckpoint",
        "init_args": {"dirpath": str(folder), "filename": "last", "enable_version_counter": False},
    }
    return {
        "trainer.default_root_dir": folder,
        "trainer.logger": "false",
        "trainer.callbacks": json.dumps([callback]),
        "trainer.limit_val_batches": 0,
        "trainer.num_sanity_val_steps": 0,
        "trainer.enable_progress_bar": "false",
        "trainer.enable_model_summary": "false",
    }


def _written(options: Mapping[str, object]) -> list[object]:
    """Options as the command line has them."""
    return [text for name, value in options.items() for text in (f"--{name}", value)]
