"""Codecs that worker processes can import, each with one fault."""

import os
import signal
import threading
import time
from pathlib import Path

from lightning_app.codecs import HEVC, QP, Picture


class Impatient(HEVC):
    """Its workers count as hung after two seconds."""

    limit = 2.0


class Hanging(HEVC):
    """Stops its process for good at QP 37."""

    limit = 3.0  # of which the start of a worker takes some, beside other loads

    def encode(self, picture: Picture, qp: QP) -> bytes:
        if qp == 37:
            os.kill(os.getpid(), signal.SIGSTOP)
        return super().encode(picture, qp)


def die_while_sending(mark: Path) -> bytes:
    """A result of 64 MB, of which the first time only the beginning is sent."""
    if not mark.exists():
        mark.touch()
        threading.Thread(target=_die_after_more_is_written, args=(_written(),), daemon=True).start()
    return bytes(2**26)


def _die_after_more_is_written(before: int) -> None:
    while _written() == before:  # the length goes first, in a write of its own
        time.sleep(0)
    os.kill(os.getpid(), signal.SIGKILL)


def _written() -> int:
    fields = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(fields["wchar"])
