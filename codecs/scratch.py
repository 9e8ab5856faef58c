"""Temporary folders of the codecs that need files, which can be found and removed when a worker was killed."""

import os
import shutil
import tempfile
from pathlib import Path


def scratch() -> tempfile.TemporaryDirectory[str]:
    """A folder for one picture, to be used in a `with` block."""
    return tempfile.TemporaryDirectory(prefix=f"dfc-{os.getpid()}-")


def clear(process: int | None) -> None:
    """Remove what a process that ended, or is about to, has left."""
    for folder in Path(tempfile.gettempdir()).glob(f"dfc-{process}-*"):
        shutil.rmtree(folder, ignore_errors=True)
