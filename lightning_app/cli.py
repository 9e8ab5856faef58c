"""The LightningCLI: ``fit``, ``validate``, ``test`` and ``predict`` over any config."""

from __future__ import annotations

from pytorch_lightning import LightningDataModule, LightningModule, Trainer
from pytorch_lightning.cli import LightningArgumentParser, LightningCLI, SaveConfigCallback

from lightning_app.detector import Detector


class SaveConfig(SaveConfigCallback):
    """Keeps the whole config beside the logs, and hands it to every logger, W&B's too."""

    def save_config(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:  # noqa: ARG002
        """Called by Lightning once a run, on rank zero."""
        config = self.parser.dump(self.config, skip_none=False, format="json_compact")
        for logger in trainer.loggers:
            logger.log_hyperparams({"config": config})


class CLI(LightningCLI):
    """``dfc``'s training and testing commands."""

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """One seed decides every draw of a run."""
        parser.link_arguments("seed_everything", "model.seed", compute_fn=int)
        parser.link_arguments("seed_everything", "data.init_args.seed", compute_fn=int)
        parser.set_defaults({"data": "lightning_app.data.VOCDataModule"})

    def _parse_ckpt_path(self) -> None:
        """Keep the command line: a checkpoint's own hyperparameters must not override ``--model.channel.split``."""


def run(arguments: list[str]) -> None:
    """Parse a command line and run it."""
    CLI(
        Detector,
        LightningDataModule,
        subclass_mode_data=True,
        save_config_callback=SaveConfig,
        save_config_kwargs={"overwrite": True},
        seed_everything_default=0,
        # Our samplers share the pictures between the ranks themselves; Lightning's would repeat some.
        trainer_defaults={"use_distributed_sampler": False},
        auto_configure_optimizers=False,
        parser_kwargs={command: {"default_env": False} for command in ()},
        args=arguments,
    )
