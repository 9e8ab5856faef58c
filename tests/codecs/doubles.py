"""Codecs that worker processes can import, each with one habit that a test needs."""

import multiprocessing.connection
import os
import signal
import sys
from pathlib import Path

import numpy as np

from lightning_app.codecs import HEVC, QP, Codec, CodecPool, Picture
from lightning_app.errors import CodecError


class Fatal(Codec):
    """Kills its process at every picture."""

    depth = 8

    def encode(self, picture: Picture, qp: QP) -> bytes:
        os.kill(os.getpid(), signal.SIGKILL)
        return b""

    def decode(self, data: bytes) -> Picture:
        raise NotImplementedError


class FatalOnce(HEVC):
    """Kills its process at QP 37 the first time; notes every picture that it finishes, by its QP."""

    def __init__(self, log: Path) -> None:
        super().__init__()
        self.log = log

    def encode(self, picture: Picture, qp: QP) -> bytes:
        died = self.log.with_suffix(".died")
        if qp == 37 and not died.exists():
            died.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        data = super().encode(picture, qp)
        with self.log.open("a") as log:
            log.write(f"{qp}\n")
        return data


class Introspective(Codec):
    """Its payload is the names of the modules that its process has loaded."""

    depth = 8

    def encode(self, picture: Picture, qp: QP) -> bytes:
        return "\n".join(sys.modules).encode()

    def decode(self, data: bytes) -> Picture:
        return np.zeros((1, 1), np.uint8)


def code_in_a_daemon(answer: multiprocessing.connection.Connection) -> None:
    """Try a pool and send back the sentence of its error."""
    try:
        CodecPool(HEVC(), 1).code([np.zeros((16, 16), np.uint8)], [None])
    except CodecError as error:
        answer.send(str(error))
