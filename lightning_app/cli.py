"""The LightningCLI: ``fit``, ``validate``, ``test``, ``predict`` and our ``evaluate`` over any config."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from tempfile import TemporaryFile
from types import FrameType
from typing import Any

import pytorch_lightning
import yaml
from pytorch_lightning import LightningDataModule, LightningModule
from pytorch_lightning.cli import LightningArgumentParser, LightningCLI, SaveConfigCallback

from lightning_app.data import ShapesDataModule, VOCDataModule
from lightning_app.detector import Detector
from lightning_app.errors import OptionError, Stopped
from lightning_app.lightning_fixes.hyperparameters import CommandLineDecides
from lightning_app.lightning_fixes.init_args import OwnInitArgs
from lightning_app.lightning_fixes.interrupt import is_of_ctrl_c
from lightning_app.lightning_fixes.leaf_spec import ignore_deprecated_leaf_spec
from lightning_app.lightning_fixes.ranks import ending_together
from lightning_app.old_names import read_old_configs, renamed_arguments
from lightning_app.trainer import Trainer

DATA = (VOCDataModule, ShapesDataModule)
"""What ``--data`` names without its path, the first if it is not given: jsonargparse knows what is imported."""
KEYWORDS = ("best", "last", "hpc")
"""What Lightning takes for a checkpoint's path beside a path."""
NOT_KEPT = (
    "the same command starts again; evaluate codes nothing again that is in its cache, fit takes --ckpt_path last"
)


class SaveConfig(SaveConfigCallback):
    """Keeps the whole config beside the logs, and hands it to every logger, W&B's too."""

    def save_config(self, trainer: pytorch_lightning.Trainer, pl_module: LightningModule, stage: str) -> None:  # noqa: ARG002
        """Called by Lightning once a run, on rank zero."""
        config = yaml.safe_load(self.parser.dump(self.config, skip_none=False))
        for logger in trainer.loggers:
            logger.log_hyperparams(config)


class CLI(CommandLineDecides, OwnInitArgs):
    """``dfc``'s training and testing commands."""

    @staticmethod
    def subcommands() -> dict[str, set[str]]:
        """Lightning's, and ours, with the arguments that are no options."""
        return {**LightningCLI.subcommands(), "evaluate": {"model", "datamodule"}}

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """One seed decides every draw of a run."""
        parser.link_arguments("seed_everything", "model.seed", compute_fn=_checked_seed)
        parser.link_arguments("seed_everything", "data.init_args.seed", compute_fn=_checked_seed)
        parser.set_defaults({"data": f"lightning_app.data.{DATA[0].__name__}"})

    def _prepare_subcommand_parser(self, klass: type, subcommand: str, **kwargs: Any) -> LightningArgumentParser:
        """Lightning's own table of results is off: RateAccuracy prints ours."""
        parser = super()._prepare_subcommand_parser(klass, subcommand, **kwargs)
        if subcommand in ("validate", "test"):
            parser.set_defaults(verbose=False)
        return parser

    def before_fit(self) -> None:
        """Try the folders of the checkpoints before any training is done."""
        for callback in self.trainer.checkpoint_callbacks:
            folder = getattr(callback, "dirpath", None)
            if folder is not None and "://" not in str(folder):
                Path(folder).mkdir(parents=True, exist_ok=True)
                with TemporaryFile(dir=folder):
                    pass

    def before_instantiate_classes(self) -> None:
        """Look for the checkpoint before any work is done."""
        path = self.config[self.subcommand].get("ckpt_path")
        if path and path not in KEYWORDS and "://" not in path and not Path(path).is_file():
            raise OptionError(f"the checkpoint {path} is not there; give a file, or `last` for the run's own last one")

    def _run_subcommand(self, subcommand: str) -> None:
        """Run it on this rank; the failure of one is that of all."""
        with ending_together(self.trainer):
            super()._run_subcommand(subcommand)


def _checked_seed(seed: bool | int) -> int:
    if isinstance(seed, bool) or seed < 0:
        raise OptionError(f"seed_everything must be a whole number, 0 or more, not {seed}: it decides every draw")
    return seed


def run() -> None:
    """Run the command line of this process."""
    ignore_deprecated_leaf_spec()
    before = signal.signal(signal.SIGTERM, _stop)  # Lightning, which heeds it in training alone, calls this one too
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
    sys.argv[1:] = renamed_arguments(sys.argv[1:])  # Lightning warns where it is given a list of arguments
    CLI(
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
    )
