"""The lifetime of the codec's processes: from the set-up of a run to its end, however it ends."""

from __future__ import annotations

from pytorch_lightning import Callback, LightningModule, Trainer

from lightning_app.channel import FeatureChannel


class CodecPoolLifetime(Callback):
    """Opens a channel's codec processes, sharing the machine's cores between its ranks, and closes them.

    Args:
        channel: whose processes to look after.
    """

    def __init__(self, channel: FeatureChannel) -> None:
        self.channel = channel

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:  # noqa: ARG002
        """Open."""
        self.channel.open(ranks=trainer.num_devices)

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:  # noqa: ARG002
        """Close."""
        self.channel.close()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:  # noqa: ARG002
        """Close, after an error or Ctrl-C."""
        self.channel.close()
