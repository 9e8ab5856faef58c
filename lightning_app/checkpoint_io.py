"""How Lightning's checkpoints reach the disk and come back."""

from __future__ import annotations

import pickle
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from lightning_fabric.plugins.io.torch_io import TorchCheckpointIO

from lightning_app.errors import WeightsError
from lightning_app.files import written_whole


class WholeCheckpointIO(TorchCheckpointIO):
    """Lightning's own, but for two faults.

    Lightning writes into the system's temporary folder and moves the file; where that is another disk the move is a
    copy onto the last good checkpoint, which a full disk or a kill then cuts in half. And it answers a checkpoint that
    is cut in half with a traceback.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        """Write a checkpoint whole or not at all."""
        if "://" in str(path):
            super().save_checkpoint(checkpoint, path, storage_options)
            return
        buffer = BytesIO()
        torch.save(checkpoint, buffer)  # into a file on a full disk it ends in a RuntimeError that does not say so
        with written_whole(Path(path)) as file:
            file.write(buffer.getbuffer())

    def load_checkpoint(self, path: str | Path, *arguments: Any, **options: Any) -> dict[str, Any]:
        """Read a checkpoint.

        Raises:
            WeightsError: it is no whole checkpoint.
        """
        try:
            return super().load_checkpoint(path, *arguments, **options)
        except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
            raise WeightsError(
                f"{path} cannot be loaded: it is no checkpoint, or only a part of one; take an earlier one"
            ) from error
