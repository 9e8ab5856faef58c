"""A checkpoint's hyperparameters override the command line."""

from __future__ import annotations

from pytorch_lightning.cli import LightningCLI


class CommandLineDecides(LightningCLI):
    """A LightningCLI in which no checkpoint changes an option.

    Seen in Lightning 2.6.6: with ``--ckpt_path`` the hyperparameters in the file replace what configs and the command
    line say, ``--model.score_threshold`` too, and a checkpoint of another program ends in a parser's error. This can go
    when LightningCLI has a public switch for it.
    """

    def _parse_ckpt_path(self) -> None:
        """Leave the options as they are."""
