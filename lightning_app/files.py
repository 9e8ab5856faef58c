"""Files that are written whole or not at all, so that a full disk or a kill never costs the ones that were there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


@contextmanager
def written_whole(path: Path) -> Iterator[BinaryIO]:
    """A file that takes the place of ``path`` at the end of the `with` block; after an error nothing has changed.

    Meanwhile it stands beside it as ``NAME.part``; a kill leaves it there, and whoever writes next writes over it. What
    is there and no file (``/dev/null``, a pipe) is written to as it is.

    Args:
        path: of the file; the folders above it are made.

    Raises:
        OSError: it cannot be written.
    """
    if path.exists() and not path.is_file():
        with path.open("wb") as file:
            yield file
        return
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())  # else a crash of the machine could leave the new name on nothing
        part.replace(path)
    except BaseException as error:
        with suppress(OSError):
            part.unlink()
        if isinstance(error, OSError) and error.errno:
            error.filename = str(path)  # a full disk does not say whose write it refused
        raise
