"""Lightning's checkpoints go through the system's temporary folder, and are cut in half where that is another disk."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from lightning_fabric.plugins.io import TorchCheckpointIO

from lightning_app.checkpoint_file import check_content, read_checkpoint
from lightning_app.files import written_whole


class CheckpointFiles(TorchCheckpointIO):
    """How Lightning's checkpoints reach the disk and come back; ``--ckpt_path`` is trusted no more than other files.

    Seen in Lightning 2.6.6: it writes into the system's temporary folder and moves the file. Where that is another disk
    the move is a copy onto the last good checkpoint, which a full disk or a kill then cuts in half. `save_checkpoint`
    can go when Lightning writes beside the file. `load_checkpoint` stays: it is ours.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        """Write a checkpoint whole or not at all.

        Raises:
            OSError: it cannot be written; what was there before is still there.
        """
        if "://" in str(path):
            super().save_checkpoint(checkpoint, path, storage_options)
            return
        buffer = BytesIO()
        torch.save(checkpoint, buffer)  # into a file on a full disk it ends in a RuntimeError that does not say so
        with written_whole(Path(path)) as file:
            file.write(buffer.getbuffer())

    def load_checkpoint(
        self,
        path: str | Path,
        map_location: Any = "cpu",  # noqa: ARG002
        weights_only: bool | None = True,  # noqa: ARG002
    ) -> dict[str, Any]:
        """Load a checkpoint to the CPU, whatever is asked for, without running what is in it.

        Raises:
            WeightsError: it cannot be read, is cut short or damaged, or is no checkpoint of a Detector.
        """
        if "://" not in str(path):
            return read_checkpoint(Path(path))
        checkpoint = super().load_checkpoint(path, weights_only=True)
        check_content(checkpoint, str(path))
        return checkpoint
