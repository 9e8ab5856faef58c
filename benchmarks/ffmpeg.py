"""HEVC as the field runs it: the command line of ffmpeg, with temporary files, a process a picture each way."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lightning_app.codecs import QP, Picture
from lightning_app.codecs.x265 import options

COMMAND = ("ffmpeg", "-hide_banner", "-loglevel", "error", "-y")


def code_by_command(work: Sequence[tuple[Picture, QP]]) -> list[Picture]:
    """Encode and decode 8-bit pictures one after another, with the settings of `HEVC` and ffmpeg's own threads."""
    with tempfile.TemporaryDirectory() as name:
        return [_code(Path(name), picture, qp) for picture, qp in work]


def _code(folder: Path, picture: Picture, qp: QP) -> Picture:
    height, width = picture.shape
    raw, stream, decoded = (folder / name for name in ("in.gray", "picture.hevc", "out.gray"))
    raw.write_bytes(picture.tobytes())
    rate = {} if qp is None else {"qp": qp}
    settings = {**options("paper", "intra", qp is None, height, width), **rate, "log-level": "none"}
    x265 = ":".join(f"{key}={value}" for key, value in settings.items())
    grey = ("-f", "rawvideo", "-pix_fmt", "gray")
    size = ("-s", f"{width}x{height}")
    subprocess.run([*COMMAND, *grey, *size, "-i", raw, "-c:v", "libx265", "-x265-params", x265, stream], check=True)
    subprocess.run([*COMMAND, "-i", stream, *grey, decoded], check=True)
    return np.frombuffer(decoded.read_bytes(), np.uint8).reshape(height, width)
