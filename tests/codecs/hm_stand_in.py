"""Programs that take HM's arguments and read and write HM's files, with a far simpler codec inside.

An encoder's stream is its options and zlib of the quantised samples. Like HM's, a file of samples is 4:0:0, one byte
each at 8 bits, else two, the lower first; an unknown option is an error; messages go to the standard output and error.
"""

import json
import os
import sys
import time
import zlib
from pathlib import Path

import numpy as np

# From TAppEncCfg.cpp of HM 16; not all of them.
ENCODER_OPTIONS = """
InputFile BitstreamFile ReconFile SourceWidth SourceHeight InputBitDepth OutputBitDepth MSBExtendedBitDepth
InternalBitDepth InputChromaFormat ChromaFormatIDC ConformanceWindowMode FrameRate FrameSkip FramesToBeEncoded Profile
Level Tier MaxBitDepthConstraint IntraConstraintFlag MaxCUWidth MaxCUHeight MaxPartitionDepth QuadtreeTULog2MaxSize
QuadtreeTULog2MinSize QuadtreeTUMaxDepthIntra QuadtreeTUMaxDepthInter IntraPeriod DecodingRefreshType GOPSize QP RDOQ
RDOQTS TransformSkip TransformSkipFast TransformSkipLog2MaxSize ImplicitResidualDPCM LoopFilterDisable SAO SignHideFlag
SEIDecodedPictureHash TransquantBypassEnableFlag CUTransquantBypassFlagForce CostMode StrongIntraSmoothing
ExplicitResidualDPCM ResidualRotation SingleSignificanceMapContext GolombRiceParameterAdaptation
HighPrecisionPredictionWeighting
""".split()


def encode() -> None:
    """``TAppEncoder --Name=value …``."""
    options = dict(argument.removeprefix("--").split("=", 1) for argument in sys.argv[1:])
    for name in options:
        if name not in ENCODER_OPTIONS:
            fail(f"Unknown option `{name}' (value:`{options[name]}')")
    if options["InputChromaFormat"] != "400" or options["FramesToBeEncoded"] != "1":
        fail("this stand-in codes one picture, 4:0:0")
    depth, shape = int(options["InputBitDepth"]), (int(options["SourceHeight"]), int(options["SourceWidth"]))
    samples = np.fromfile(options["InputFile"], "<u2" if depth > 8 else "u1").reshape(shape)
    lossless = options.get("CostMode") == "lossless" and options["CUTransquantBypassFlagForce"] == "1"
    step = 1 if lossless else 2 ** (depth - 8) * 2 ** ((int(options["QP"]) - 4) / 6)
    head = json.dumps({"step": step, "shape": shape, "depth": depth, "options": options}).encode()
    coded = np.round(samples / step).astype("<u2").tobytes()
    Path(options["BitstreamFile"]).write_bytes(head + b"\n" + zlib.compress(coded))
    np.zeros(1).tofile(options["ReconFile"])
    print("HM stand-in: Encoder Version [16.12]\n Total Time: 0.012 sec.\n")  # noqa: T201


def decode() -> None:
    """``TAppDecoder -b STREAM -o FILE -d DEPTH``."""
    options = dict(zip(sys.argv[1::2], sys.argv[2::2], strict=True))
    head, _, coded = Path(options["-b"]).read_bytes().partition(b"\n")
    try:
        fields = json.loads(head)
        step, shape, depth = fields["step"], fields["shape"], fields["depth"]
        level, block = float(fields["options"]["Level"]), int(fields["options"]["MaxCUWidth"])
        quantised = np.frombuffer(zlib.decompress(coded), "<u2").reshape(shape)
    except (ValueError, zlib.error):
        print("Warning: no picture was found\n")  # noqa: T201  HM goes on, and ends well
        return
    if level >= 5 and block < 32:  # HM 16.12 asserts it, in its decoder only
        fail("Assertion `m_uiMaxCUWidth >= 32' failed.")
    samples = np.round(quantised * step).clip(0, 2**depth - 1) * 2.0 ** (int(options["-d"]) - depth)
    samples.astype("<u2" if int(options["-d"]) > 8 else "u1").tofile(options["-o"])


def decode_too_little() -> None:
    """Write the first five bytes only."""
    decode()
    path = Path(sys.argv[4])
    path.write_bytes(path.read_bytes()[:5])


def write_nothing() -> None:
    """End well without a file."""
    print("nothing to do\n\n")  # noqa: T201


def crash() -> None:
    """Say why on both outputs, and die."""
    print("the last line of the output")  # noqa: T201
    fail("Error: level 6.2 is not enough")


def hang() -> None:
    """Never end; leave the process's number beside the program."""
    Path(sys.argv[0]).with_suffix(".pid").write_text(str(os.getpid()))
    time.sleep(600)


def fail(message: str) -> None:
    """As HM does it."""
    print(message + "\n", file=sys.stderr)  # noqa: T201
    sys.exit(1)
