"""HM, the reference encoder and decoder of HEVC, by command line: a process and temporary files for each picture.

The options are the paper's: main-RExt, 4:0:0, all intra, CTU 16, RDOQ off, and otherwise HM's own common test
conditions, with the tools of the range extensions that its configuration for them switches on. Their names are HM
16.12's; an HM that calls one otherwise ends with a message, which becomes the error's.
"""

import os
import subprocess
from collections.abc import Sequence
from math import prod
from pathlib import Path

import numpy as np

from lightning_app.codecs.base import QP, Codec, Picture, check_depth, check_picture, sample_type
from lightning_app.codecs.lossless import read_shape, write_shape
from lightning_app.codecs.parameter_sets import lowest_level
from lightning_app.codecs.scratch import scratch
from lightning_app.errors import CodecError, OptionError

_PICTURE, _STREAM, _DECODED = "picture.yuv", "stream.hevc", "decoded.yuv"

_OPTIONS = {
    "InputChromaFormat": 400,
    "ChromaFormatIDC": 400,
    "Profile": "main-RExt",
    "Tier": "main",
    # One picture; HM demands a rate of frames and pads the sides to whole coding units, which the decoder cuts off.
    "FramesToBeEncoded": 1,
    "FrameRate": 25,
    "IntraPeriod": 1,
    "GOPSize": 1,
    "ConformanceWindowMode": 1,
    # Transforms of 16 to 4.
    "QuadtreeTULog2MaxSize": 4,
    "QuadtreeTULog2MinSize": 2,
    "QuadtreeTUMaxDepthIntra": 3,
    "RDOQ": 0,
    "RDOQTS": 0,
    "TransformSkip": 1,
    "TransformSkipFast": 1,
    "SignHideFlag": 1,
    # encoder_intra_main_rext.cfg of HM: without these its lossless pictures need 5, 7 and 14 % more bytes at 8, 10 and
    # 12 bits.
    "ImplicitResidualDPCM": 1,
    "ExplicitResidualDPCM": 1,
    "ResidualRotation": 1,
    "SingleSignificanceMapContext": 1,
    "GolombRiceParameterAdaptation": 1,
    "HighPrecisionPredictionWeighting": 1,
    # Only bytes that the decoder needs.
    "SEIDecodedPictureHash": 0,
}

# CTU 16, coding units down to 8. HEVC allows this CTU up to level 4.1 only, and HM's decoder ends at once where it
# meets it at a level above. Larger pictures get a CTU of 32.
_NORMAL = {"Level": "4.1", "MaxCUWidth": 16, "MaxCUHeight": 16, "MaxPartitionDepth": 2}
_LARGE = {"Level": "6.2", "MaxCUWidth": 32, "MaxCUHeight": 32, "MaxPartitionDepth": 3}

_LOSSLESS = {"CostMode": "lossless", "TransquantBypassEnableFlag": 1, "CUTransquantBypassFlagForce": 1}


class HM(Codec):
    """HEVC by the reference software, as a raw Annex-B stream with its parameter sets, behind the picture's shape.

    Args:
        encoder: path of ``TAppEncoder`` (``TAppEncoderStatic`` in HM's ``bin``).
        decoder: path of ``TAppDecoder`` (``TAppDecoderStatic``).
        depth: bits per sample: 8, 10 or 12.
        timeout: seconds that either program may take for a picture before it is killed.
    """

    min_side = 16  # as HEVC, so that both code the same picture

    def __init__(self, encoder: str | Path, decoder: str | Path, depth: int = 8, timeout: float = 600) -> None:
        self.depth = check_depth(depth)
        self.encoder, self.decoder = _program("encoder", encoder), _program("decoder", decoder)
        if timeout <= 0:
            raise OptionError(f"timeout must be above 0 seconds, not {timeout}")
        self.timeout = timeout
        self.limit = 2 * timeout + 60  # seconds, of a worker: it outlasts both programs

    def encode(self, picture: Picture, qp: QP) -> bytes:
        """Code one (H, W) picture at `qp`, or bit-exactly when it is None."""
        picture = check_picture(picture, self.depth, self.min_side)
        arguments = self._arguments(picture.shape, self.check_qp(qp))
        with scratch() as name:
            folder = Path(name)
            (folder / _PICTURE).write_bytes(picture.astype(self._file_type).tobytes())
            said = self._run([self.encoder, *arguments], folder)
            stream = _read(folder / _STREAM, said)
        return write_shape(picture.shape) + stream

    def decode(self, data: bytes) -> Picture:
        """Decode one payload of `encode` into its (H, W) picture."""
        shape, stream = read_shape(data)
        with scratch() as name:
            folder = Path(name)
            (folder / _STREAM).write_bytes(stream)
            said = self._run([self.decoder, "-b", _STREAM, "-o", _DECODED, "-d", str(self.depth)], folder)
            samples = _read(folder / _DECODED, said, prod(shape) * self._file_type.itemsize)
        picture = np.frombuffer(samples, self._file_type).reshape(shape).astype(sample_type(self.depth))
        return check_picture(picture, self.depth)

    @property
    def _file_type(self) -> np.dtype[np.uint8] | np.dtype[np.uint16]:
        """Samples in HM's files: one byte at 8 bits, else two, the lower first."""
        return np.dtype("<u2" if self.depth > 8 else "u1")

    def _arguments(self, shape: tuple[int, ...], qp: QP) -> list[str]:
        height, width = shape
        files = {"InputFile": _PICTURE, "BitstreamFile": _STREAM, "ReconFile": "reconstruction.yuv"}
        size = {"SourceWidth": width, "SourceHeight": height}
        depth = {"InputBitDepth": self.depth, "InternalBitDepth": self.depth}
        blocks = _NORMAL if lowest_level(height, width, 8) else _LARGE
        rate = {"QP": 0, **_LOSSLESS} if qp is None else {"QP": qp}
        return [f"--{name}={value}" for name, value in {**files, **size, **depth, **blocks, **_OPTIONS, **rate}.items()]

    def _run(self, command: Sequence[str], folder: Path) -> str:
        """Run a program of HM's to its end; the last line that it said."""
        name = Path(command[0]).name
        try:
            run = subprocess.run(
                command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=self.timeout, check=False
            )
        except OSError as error:
            raise CodecError(f"{command[0]} cannot be started: {error.strerror}; build HM for this machine") from error
        except subprocess.TimeoutExpired:
            raise CodecError(f"{name} took more than {self.timeout:g} seconds for a picture; raise timeout") from None
        said = _last_line(run.stdout + run.stderr)
        if run.returncode != 0:
            raise CodecError(f"{name} ended with status {run.returncode}: {said}")
        return f"{name} said: {said}"


def _program(role: str, path: str | Path) -> str:
    absolute = Path(path).absolute()  # the programs run in a folder of their own
    if not absolute.is_file() or not os.access(absolute, os.X_OK):
        raise OptionError(f"HM's {role} is not a program at {path}: build HM 16.12 and give the path of its {role}")
    return str(absolute)


def _read(file: Path, said: str, size: int | None = None) -> bytes:
    """What a program wrote: `size` bytes, or any number but 0."""
    found = file.stat().st_size if file.is_file() else 0
    if found == 0 or found != (size or found):
        raise CodecError(f"HM wrote {found} bytes of {file.name}" + (f", not {size}" if size else "") + f"; {said}")
    return file.read_bytes()


def _last_line(output: bytes) -> str:
    lines = output.decode(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "nothing")
