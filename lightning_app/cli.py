"""The commands that run a config: Lightning's ``fit``, ``validate``, ``test`` and ``predict``, and our ``evaluate``."""

from __future__ import annotations

import signal
import sys
from argparse import HelpFormatter
from pathlib import Path
from tempfile import TemporaryFile
from types import FrameType
from typing import Any

import pytorch_lightning
import yaml
from jsonargparse import ArgumentParser, capture_parser
from pytorch_lightning import LightningDataModule, LightningModule
from pytorch_lightning.cli import LightningArgumentParser, LightningCLI, SaveConfigCallback

from lightning_app.command_errors import OneSentence
from lightning_app.data import PicturesDataModule, ShapesDataModule, VOCDataModule
from lightning_app.detector import Detector
from lightning_app.earlier_runs import EarlierRuns, save_last
from lightning_app.errors import OptionError, Stopped
from lightning_app.evaluation.origin import check_origin, origin, write_origin
from lightning_app.lightning_fixes.advice import leave_out_advice
from lightning_app.lightning_fixes.hyperparameters import CommandLineDecides
from lightning_app.lightning_fixes.init_args import OwnInitArgs
from lightning_app.lightning_fixes.interrupt import is_of_ctrl_c
from lightning_app.lightning_fixes.leaf_spec import ignore_deprecated_leaf_spec
from lightning_app.lightning_fixes.ranks import ending_together
from lightning_app.old_names import read_old_configs, renamed_arguments
from lightning_app.shipped import with_found_configs
from lightning_app.trainer import Trainer

DATA = (VOCDataModule, ShapesDataModule, PicturesDataModule)
"""What ``--data`` may name without a path, because jsonargparse finds imported classes; the first is the default."""
KEYWORDS = ("best", "last", "hpc")
"""What ``--ckpt_path`` may be, besides the path of a file."""
SEED = "seed of every draw: initial weights, QPs, the order of the pictures and their augmentation; 0 or more"
NOT_KEPT = (
    "the same command starts from the beginning; evaluate reuses what is in its cache, and fit goes on with "
    "--ckpt_path last"
)
"""How to go on after a signal that came outside of training, or came twice."""


class SaveConfig(SaveConfigCallback):
    """Writes the whole config beside the logs, and gives it to every logger, also to W&B's."""

    def setup(self, trainer: pytorch_lightning.Trainer, pl_module: LightningModule, stage: str) -> None:
        """Write it; of a measurement without a logger there are no logs, and the current folder is no place for it."""
        if trainer.loggers or stage == "fit":
            super().setup(trainer, pl_module, stage)

    def save_config(self, trainer: pytorch_lightning.Trainer, pl_module: LightningModule, stage: str) -> None:  # noqa: ARG002
        """Give the config to the loggers; Lightning calls this once in a run, on rank zero."""
        config = yaml.safe_load(self.parser.dump(self.config, skip_none=False))
        for logger in trainer.loggers:
            logger.log_hyperparams(config)


class Parser(OneSentence, LightningArgumentParser):
    """Lightning's parser, which says what is wrong in one sentence, and in whose help no function of ours is named."""

    def format_help(self, formatter: HelpFormatter | None = None) -> str:
        """The help without the list of links: ``--seed_everything`` says what it sets."""
        groups = self._action_groups
        links = getattr(self, "_links_group", None)
        self._action_groups = [group for group in groups if group is not links]
        try:
            return super().format_help(formatter)
        finally:
            self._action_groups = groups


class CLI(CommandLineDecides, OwnInitArgs):
    """The commands of ``dfc`` that train and measure."""

    @staticmethod
    def subcommands() -> dict[str, set[str]]:
        """Lightning's commands and ours, each with those arguments of its method that are no options."""
        return {**LightningCLI.subcommands(), "evaluate": {"model", "datamodule"}}

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Link the seeds of model and data to ``--seed_everything``, and set the default of ``--data``."""
        parser.link_arguments("seed_everything", "model.seed", compute_fn=_checked_seed)
        parser.link_arguments("seed_everything", "data.init_args.seed", compute_fn=_checked_seed)
        for action in parser._actions:
            if action.dest == "seed_everything":
                action.help = SEED
        parser.set_defaults({"data": f"lightning_app.data.{DATA[0].__name__}"})

    def _prepare_subcommand_parser(self, klass: type, subcommand: str, **kwargs: Any) -> LightningArgumentParser:
        """Turn off Lightning's own table of results, because RateAccuracy prints ours."""
        parser = super()._prepare_subcommand_parser(klass, subcommand, **kwargs)
        if subcommand in ("validate", "test"):
            parser.set_defaults(verbose=False)
        return parser

    def before_fit(self) -> None:
        """Try to write into the folders of the checkpoints, so that a failure comes before the training."""
        requeued = any(Path(self.trainer.default_root_dir).glob("hpc_ckpt_*.ckpt"))  # SLURM's, which Lightning resumes
        for callback in self.trainer.checkpoint_callbacks:
            folder = getattr(callback, "dirpath", None)
            if folder is None or "://" in str(folder):
                continue
            Path(folder).mkdir(parents=True, exist_ok=True)
            with TemporaryFile(dir=folder):
                pass
        if not (requeued or self.config["fit"].get("ckpt_path")):
            self.trainer.callbacks.insert(0, EarlierRuns())  # type: ignore[attr-defined]

    def after_fit(self) -> None:
        """Save what the end of a run has left unsaved: one that is shorter than the time to its first validation."""
        save_last(self.trainer)

    def before_evaluate(self) -> None:
        """Refuse a folder that holds the results of another evaluation, before any work is done."""
        config = self.config["evaluate"]
        ours = origin(yaml.safe_load(self._parser("evaluate").dump(config, skip_none=False)))
        check_origin(Path(config.output), ours)
        if self.trainer.is_global_zero:
            write_origin(Path(config.output), ours)

    def before_instantiate_classes(self) -> None:
        """Refuse a checkpoint that is not there, before any work is done."""
        path = self.config[self.subcommand].get("ckpt_path")
        if path and path not in KEYWORDS and "://" not in path and not Path(path).is_file():
            raise OptionError(f"the checkpoint {path} is not there; give a file, or `last` for the run's own last one")

    def _run_subcommand(self, subcommand: str) -> None:
        """Run the command on this rank; if one rank fails, all end."""
        with ending_together(self.trainer):
            super()._run_subcommand(subcommand)


class OneCommandCLI(CLI):
    """The command that this process was asked for, whose options take as long to find as those of each other one."""

    @staticmethod
    def subcommands() -> dict[str, set[str]]:
        """As those of `CLI`: one of them, or all where none is asked for."""
        commands = CLI.subcommands()
        return {name: commands[name] for name in sys.argv[1:2] if name in commands} or commands


def _checked_seed(seed: bool | int) -> int:
    """The seed, if it is a whole number, 0 or more; by True Lightning would draw one at random."""
    if isinstance(seed, bool) or seed < 0:
        raise OptionError(f"seed_everything must be a whole number, 0 or more, not {seed}: it decides every draw")
    return seed


def run() -> None:
    """Run the command line of this process."""
    ignore_deprecated_leaf_spec()
    leave_out_advice()
    before = signal.signal(signal.SIGTERM, _stop)  # in training Lightning calls ours besides its own
    try:
        _run()
    except SystemExit as end:
        if is_of_ctrl_c(end):
            raise Stopped(signal.SIGINT, NOT_KEPT) from None
        raise
    finally:
        signal.signal(signal.SIGTERM, before)


def _stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    raise Stopped(signal.Signals(number), NOT_KEPT)


def _run() -> None:
    read_old_configs()
    # In place, because Lightning warns where it is given a list of arguments.
    sys.argv[1:] = with_found_configs(renamed_arguments(sys.argv[1:]))
    _cli(OneCommandCLI)


def make_parser() -> ArgumentParser:
    """The options of all these commands, each in a parser below this one."""
    return capture_parser(_cli, CLI)


def _cli(kind: type[CLI]) -> None:
    kind(
        Detector,
        LightningDataModule,
        trainer_class=Trainer,
        subclass_mode_data=True,
        save_config_callback=SaveConfig,
        save_config_kwargs={"overwrite": True},
        seed_everything_default=0,
        # Our samplers share the pictures between the ranks themselves; Lightning's would repeat some.
        trainer_defaults={"use_distributed_sampler": False},
        auto_configure_optimizers=False,
        parser_class=Parser,
    )
