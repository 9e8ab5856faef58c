"""The steps of the experiment: commands of ``dfc``, each run once, each leaving a file that says that it is done."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from experiments.voc_subset.plan import TEST, Subject, Way


@dataclass(frozen=True)
class Steps:
    """Trainings and evaluations that are run unless they are done.

    Attributes:
        devkit: the VOC devkit.
        work: folder of checkpoints, evaluations and coded pictures.
    """

    devkit: Path
    work: Path

    def fit(self, subject: Subject, way: Way, split: str | None, seed: int) -> Path:
        """The checkpoint of a training; through the codec at a split, or without a channel."""
        folder = self.work / subject.name / named(way, split, seed)
        last, done = folder / "last.ckpt", folder / "trained.ckpt"
        if not done.exists():
            resume = ["--ckpt_path", last] if last.exists() else []
            options = {
                "seed_everything": seed,
                "data.root": self.devkit,
                "data.train": listed(way.pictures),
                "data.val": listed(way.pictures),
                "model.network": subject.network,
                "model.weights": subject.weights,
                **quietly(folder),
            }
            cut = [] if split is None else ["--model.channel.split", split]
            self._dfc("fit", *_configs(subject, way), *_written(options), *cut, *way.options, *resume)
            last.rename(done)
        return done

    def evaluate(
        self,
        subject: Subject,
        weights: Path,
        name: str,
        options: Sequence[str],
        way: Way | None = None,
        pictures: str = TEST,
    ) -> Path:
        """The folder of an evaluation; of weights that a way gave, with its configs."""
        folder = self.work / subject.name / "evaluations" / pictures.replace("/", "-") / name
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
            self._dfc("evaluate", *_configs(subject, way), *_written(fixed), *options)
        return folder

    def report(self, folder: Path, ways: Sequence[str]) -> None:
        """Figures and tables of a network, from its CSVs alone."""
        systems = [f"{name}={folder / name}" for name in ways]
        self._dfc("report", *systems, "--comparisons", folder / "comparisons.csv", "--output", folder)

    def _dfc(self, *arguments: object) -> None:
        command = [str(argument) for argument in arguments]
        print("dfc", *command, flush=True)  # noqa: T201
        subprocess.run([sys.executable, "-m", "lightning_app", *command], check=True)


def named(way: Way, split: str | None, seed: int) -> str:
    """The folder of a training, and of its evaluation."""
    return f"{way.name.replace(' ', '-')}/{'' if split is None else f'{split}.'}{seed}"


def listed(names: Sequence[str]) -> str:
    """As the command line has a list."""
    return f"[{','.join(names)}]"


def quietly(folder: Path) -> dict[str, object]:
    """Options of a training that measures nothing on the way and keeps its last checkpoint in a folder."""
    saved = {"dirpath": str(folder), "filename": "last", "enable_version_counter": False}
    callback = {
        "class_path": "pytorch_lightning.callbacks.ModelCheckpoint",
        "init_args": {**saved, "save_on_train_epoch_end": True},  # the end of a validation never comes
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


def _configs(subject: Subject, way: Way | None) -> list[str]:
    configs = [subject.config, *(() if way is None else way.configs)]
    return [text for config in configs for text in ("-c", config)]


def _written(options: Mapping[str, object]) -> list[object]:
    """Options as the command line has them."""
    return [text for name, value in options.items() for text in (f"--{name}", value)]
