"""x265's settings, by name.

The paper codes with HM 16.12, main-RExt, CTU 16, RDOQ off: `paper` is x265 with the same tools. `best` and `faster`
leave the paper's tools for fewer bits and for less time. docs/decisions/x265.md has what each costs, and what lost.
"""

from collections.abc import Mapping
from typing import Literal, TypeAlias

Settings: TypeAlias = Literal["paper", "best", "faster", "fastest"]
Prediction: TypeAlias = Literal["intra", "inter"]
Options: TypeAlias = Mapping[str, int]

MIN_SIDES: dict[Prediction, int] = {"intra": 16, "inter": 17}
"""The smallest picture side, in pixels: x265's smallest CTU, and for P pictures, see `options`, a pixel more."""

MAX_SIDE = 2**14
"""The longest picture side, in pixels: a power of 2 below the 16,888 of HEVC's level 6.2."""

_PAPER = {
    # The paper's tools. HM signals transform skip and hides signs by default; x265 does not.
    "ctu": 16,
    "min-cu-size": 8,
    "tu-intra-depth": 1,
    "rdoq-level": 0,
    "tskip": 1,
    "signhide": 1,
    "deblock": 0,
    # The sample-adaptive offset (SAO) of a block is chosen by all of its samples; else x265 leaves out those at its
    # right and bottom edges, which are not deblocked yet.
    "sao": 1,
    "sao-non-deblock": 1,
    "rd": 6,
    # A true QP: no offset by the kind of picture, none by block, distortion as plain squared error.
    "ipratio": 1,
    "aq-mode": 0,
    "cutree": 0,
    "psy-rd": 0,
    "psy-rdoq": 0,
    # Frames in the order that they come, each coded once: nothing to look ahead at.
    "bframes": 0,
    "weightp": 0,
    "rc-lookahead": 0,
    "scenecut": 0,
    # HEVC's levels from 5 on want a larger CTU; a large picture gets no level, instead of a refusal.
    "allow-non-conformance": 1,
    # Only bytes that the decoder needs.
    "info": 0,
    "hash": 0,
    # One core per picture: the worker processes fill the others.
    "frame-threads": 1,
    "wpp": 0,
}

# Payloads name their settings, in this order, and leave out what follows from them: a change here is a new format.
SETTINGS: dict[Settings, dict[str, int]] = {
    "paper": {},
    "best": {"ctu": 64, "tu-intra-depth": 2, "rdoq-level": 2, "deblock": -2},
    "faster": {"signhide": 0, "deblock": -2, "rd": 3},
    # No prediction of 8×8 blocks, whose trial is most of the time; transforms still shrink to 4×4.
    "fastest": {"signhide": 0, "rd": 3, "min-cu-size": 16, "tu-intra-depth": 3, "sao": 0},
}

# Every frame a key frame, or only the first.
_KEY_FRAMES: dict[Prediction, int] = {"intra": 1, "inter": -1}


def options(settings: Settings, prediction: Prediction, lossless: bool, height: int, width: int) -> dict[str, int]:
    """x265's options for pictures of (`height`, `width`) pixels; all but the QP and the words of `parameters`.

    x265 refuses pictures that are smaller than a CTU, so the CTU shrinks with them, down to 16. P pictures that are one
    CTU wide it predicts from other samples than the decoder has: their CTU is smaller than their width.
    """
    chosen = {**_PAPER, **SETTINGS[settings]}
    side = min(height, width if prediction == "intra" else width - 1)
    ctu = min(chosen["ctu"], 1 << side.bit_length() - 1)
    return {
        **chosen,
        "ctu": ctu,
        "max-tu-size": min(ctu, 32),
        "keyint": _KEY_FRAMES[prediction],
        "lossless": int(lossless),
    }


def parameters(options: Options) -> str:
    """The options as the one string that FFmpeg hands to x265, with threads and x265's own log off."""
    return ":".join(f"{name}={value}" for name, value in options.items()) + ":pools=none:log-level=none"
