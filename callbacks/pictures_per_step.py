"""The same number of pictures in every step of the optimiser, on any number of devices."""

from __future__ import annotations

from pytorch_lightning import Callback, LightningModule, Trainer

from lightning_app.errors import OptionError


class PicturesPerStep(Callback):
    """Accumulates the gradients of as many batches as make a step, whatever ``--trainer.devices`` is.

    Darknet's batch of 64 in 8 subdivisions is 8 batches of 8 on one device, 4 on two, 1 on eight: batch norm sees 8
    pictures at a time on all of them.

    Args:
        pictures: that a step takes on all devices together, at least 1.
    """

    def __init__(self, pictures: int = 64) -> None:
        if pictures < 1:
            raise OptionError(f"pictures must be at least 1, not {pictures}")
        self.pictures = pictures

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:  # noqa: ARG002
        """Before the training pictures are dealt out, which goes by whole steps."""
        if stage != "fit":
            return
        batches = count_batches(self.pictures, trainer.datamodule.batch_size, trainer.world_size)  # type: ignore[attr-defined]
        if trainer.accumulate_grad_batches not in (1, batches):
            raise OptionError(
                f"accumulate_grad_batches {trainer.accumulate_grad_batches} does not make the {self.pictures} pictures "
                "a step of PicturesPerStep: leave it out, or leave out the callback"
            )
        trainer.accumulate_grad_batches = batches


def count_batches(pictures: int, batch_size: int, devices: int) -> int:
    """How many batches each device takes for a step.

    Args:
        pictures: of a step, on all devices together.
        batch_size: pictures of a batch, on one device.
        devices: that train together.

    Raises:
        OptionError: there is no such number; the message has the sizes and devices that fit.

    >>> count_batches(64, 8, 1), count_batches(64, 8, 8), count_batches(64, 4, 16)
    (8, 1, 1)
    """
    if pictures % (batch_size * devices) == 0:
        return pictures // (batch_size * devices)
    remedies = []
    if pictures % batch_size == 0:
        remedies.append(f"--trainer.devices {_alternatives(pictures // batch_size)}")
    if pictures % devices == 0:
        remedies.append(f"--data.batch_size {_alternatives(pictures // devices)}")
    raise OptionError(
        f"{pictures} pictures a step cannot be made of batches of {batch_size} on {devices} device(s): "
        f"{' or '.join(remedies) or 'choose two whose product divides it'}"
    )


def _alternatives(number: int) -> str:
    """The divisors of a number, as a choice."""
    divisors = [str(divisor) for divisor in range(1, number + 1) if number % divisor == 0]
    return divisors[0] if len(divisors) == 1 else f"{', '.join(divisors[:-1])} or {divisors[-1]}"
