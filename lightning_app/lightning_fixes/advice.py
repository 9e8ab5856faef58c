"""Lightning recommends other products before every run, and tells what nobody can change."""

from __future__ import annotations

import logging
import warnings

LOGGER = "pytorch_lightning.utilities.rank_zero"
"""By which Lightning tells what it does."""
LEFT_OUT = (
    "💡 Tip: For seamless cloud",
    "TPU available: False",
    # `dfc evaluate` has its own, and a config that also trains names one too.
    "The following callbacks returned in `LightningModule.configure_callbacks` will override",
)
"""How these lines begin."""
FOLDER_IN_USE = "Checkpoint directory .* exists and is not empty"
"""A warning of every `dfc fit`: Lightning has written the config of the run there. `EarlierRuns` keeps older files."""

TENSORBOARD = "Starting from v1.9.0, `tensorboardX` has been removed"
"""The beginning of a remark on a package that a run without a logger of the user's does not need."""


def leave_out_advice() -> None:
    """Keep these lines from the user: an error or a result would stand below them.

    Seen in Lightning 2.6.6. This can go when the lines can be switched off.
    """
    logger = logging.getLogger(LOGGER)
    if _wanted not in logger.filters:
        logger.addFilter(_wanted)
    for message in (FOLDER_IN_USE, TENSORBOARD):
        warnings.filterwarnings("ignore", message)


def _wanted(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith(LEFT_OUT)
