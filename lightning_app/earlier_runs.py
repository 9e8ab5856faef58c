"""Checkpoints of an earlier run, which a new run of the same config would replace."""

from __future__ import annotations

from itertools import count
from pathlib import Path

from pytorch_lightning.utilities import rank_zero_info


def keep_earlier(folder: Path, name: str | None) -> None:
    """Move a folder's checkpoints to a new folder beside it, if the new run would replace one of them.

    Args:
        folder: of the new run's checkpoints.
        name: of the checkpoint that the new run writes, without its suffix; with a ``{`` it changes from save to save.
    """
    if not name or "{" in name or not (folder / f"{name}.ckpt").exists():
        return
    beside = (folder.with_name(f"{folder.name}-{number}") for number in count(1))
    kept = next(path for path in beside if not path.exists())
    kept.mkdir()
    for path in sorted(folder.glob("*.ckpt")):
        path.rename(kept / path.name)
    rank_zero_info(f"{folder} held the checkpoints of an earlier run: they are kept in {kept}.")
