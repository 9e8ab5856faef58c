"""What an HEVC payload is: a small header, and NAL units.

::

    1 byte    bits 0–1 settings (paper, best, faster, fastest), 2–3 depth (8, 10, 12), 4 lossless, 5 inter prediction,
              6 in full, 7 a video
    2 or more (F,) H and W as varints: 4 bytes for a picture of 208×416
    …         one slice per frame, with the start code 0 0 1 between them and without the headers of their NAL units;
              in full: the parameter sets before them, and all with the headers of their NAL units

What follows from the first two is left out: the parameter sets, which `parameter_sets` writes again, and the headers of
NAL units. Those of another version of x265 may differ, and so do the parameter sets of pictures that are larger than
HEVC allows with a CTU of 16: they travel in full.
"""

from dataclasses import dataclass

from lightning_app.codecs.base import DEPTHS
from lightning_app.codecs.lossless import read_shape, write_shape
from lightning_app.codecs.parameter_sets import parameter_sets
from lightning_app.codecs.x265 import MAX_SIDE, MIN_SIDES, SETTINGS, Prediction, Settings, options
from lightning_app.errors import CodecError

_SETTINGS: tuple[Settings, ...] = tuple(SETTINGS)
_PREDICTIONS: tuple[Prediction, ...] = ("intra", "inter")
_START = b"\0\0\1"
_FIRST_SET = 32  # NAL units of lower types are slices
_KEY_FRAMES = range(16, 24)
_KEY_FRAME, _P_FRAME = bytes([20 << 1, 1]), bytes([1 << 1, 1])  # NAL units of types IDR_N_LP and TRAIL_R, layer 0


@dataclass(frozen=True)
class PayloadHeader:
    """What a payload says before its NAL units.

    Attributes:
        settings: x265's settings, by name.
        prediction: whether frames are predicted from those before them.
        depth: bits per sample.
        lossless: whether it decodes bit-exactly.
        shape: (H, W), or (F, H, W) of a video.
    """

    settings: Settings
    prediction: Prediction
    depth: int
    lossless: bool
    shape: tuple[int, ...]

    @property
    def frames(self) -> int:
        """F, or 1 for a picture."""
        return self.shape[0] if len(self.shape) == 3 else 1

    def unit_headers(self) -> list[bytes]:
        """The headers of the slices' NAL units that the header implies (7.3.1.2)."""
        others = _KEY_FRAME if self.prediction == "intra" else _P_FRAME
        return [_KEY_FRAME, *[others] * (self.frames - 1)]

    def options(self) -> dict[str, int]:
        """x265's options, without the QP."""
        height, width = self.shape[-2:]
        return options(self.settings, self.prediction, self.lossless, height, width)

    def parameter_sets(self) -> list[bytes]:
        """The parameter sets that the header implies."""
        height, width = self.shape[-2:]
        return parameter_sets(height, width, self.depth, self.options())


@dataclass(frozen=True)
class Payload:
    """A header, and NAL units without start codes.

    Attributes:
        header: the header.
        sets: the parameter sets.
        slices: one slice per frame.
    """

    header: PayloadHeader
    sets: list[bytes]
    slices: list[bytes]


def pack(header: PayloadHeader, stream: bytes) -> bytes:
    """The payload of an Annex-B stream of x265's, without the parameter sets that its header implies."""
    sets, slices = _split(stream)
    implied = sets == header.parameter_sets() and [unit[:2] for unit in slices] == header.unit_headers()
    units = [unit[2:] for unit in slices] if implied else [*sets, *slices]
    return _pack_header(header, not implied) + _START.join(units)


def unpack(data: bytes) -> Payload:
    """Take a payload of `pack` apart.

    Raises:
        CodecError: it is none, or claims sides or samples beyond `MAX_SIDE` and `MAX_SAMPLES`.
    """
    header, in_full, units = _unpack_header(data)
    sets, slices = _split(units) if in_full else ([], _units(units))
    if bool(sets) != in_full or len(slices) != header.frames:
        raise CodecError(
            f"{len(data)} bytes are not an HEVC payload of {header.frames} frames: "
            f"they hold {len(sets)} parameter sets and {len(slices)} slices"
        )
    if in_full:
        return Payload(header, sets, slices)
    whole = [start + rest for start, rest in zip(header.unit_headers(), slices, strict=True)]
    return Payload(header, header.parameter_sets(), whole)


def sizes(data: bytes) -> dict[str, int]:
    """Bytes of each part of a payload of `pack`: its header, parameter sets where they are sent, and slices.

    Raises:
        CodecError: it is none.
    """
    slices = unpack(data).slices
    _, in_full, units = _unpack_header(data)
    coded = sum(map(len, slices)) if in_full else len(units)
    sets = {"parameter sets": len(units) - coded} if in_full else {}
    return {"header": len(data) - len(units), **sets, "slices": coded}


def annex_b(payload: Payload) -> bytes:
    """The stream that `pack` was given: x265 writes the parameter sets before every key frame."""
    sets = b"".join(b"\0" + _START + unit for unit in payload.sets)
    return b"".join((sets if _kind(unit) in _KEY_FRAMES else b"\0") + _START + unit for unit in payload.slices)


def check_sides(shape: tuple[int, ...], prediction: Prediction) -> None:
    """Raise CodecError unless HEVC takes pictures of this shape."""
    height, width = shape[-2:]
    least = MIN_SIDES[prediction]
    if not least <= min(height, width) <= max(height, width) <= MAX_SIDE:
        raise CodecError(f"a picture's sides must be {least} to {MAX_SIDE} pixels for HEVC, not {height}×{width}")


def _split(stream: bytes) -> tuple[list[bytes], list[bytes]]:
    """The parameter sets, each once, and the slices of a stream."""
    units = _units(stream)
    sets = dict.fromkeys(unit for unit in units if _kind(unit) >= _FIRST_SET)
    return list(sets), [unit for unit in units if _kind(unit) < _FIRST_SET]


def _units(stream: bytes) -> list[bytes]:
    return [unit for part in stream.split(_START) if (unit := part.rstrip(b"\0"))]


def _kind(unit: bytes) -> int:
    """nal_unit_type (7.3.1.2)."""
    return unit[0] >> 1 & 63


def _pack_header(header: PayloadHeader, in_full: bool) -> bytes:
    video = len(header.shape) == 3
    form = (
        _SETTINGS.index(header.settings)
        | DEPTHS.index(header.depth) << 2
        | header.lossless << 4
        | _PREDICTIONS.index(header.prediction) << 5
        | in_full << 6
        | video << 7
    )
    shape = write_shape(header.shape)
    return bytes([form]) + (shape if video else shape[1:])  # without the 0 that says that it is no video


def _unpack_header(data: bytes) -> tuple[PayloadHeader, bool, bytes]:
    """The header, whether parameter sets follow it, and what follows it."""
    form = data[0] if data else 0xFF
    if form & 3 >= len(_SETTINGS) or form >> 2 & 3 >= len(DEPTHS):
        raise CodecError(f"{len(data)} bytes are not an HEVC payload: they are damaged, or of another codec")
    shape, units = read_shape(data[1:] if form >> 7 else b"\0" + data[1:])
    if form >> 7 and len(shape) != 3:
        raise CodecError(f"{len(data)} bytes are not an HEVC payload: they claim a video without frames")
    prediction = _PREDICTIONS[form >> 5 & 1]
    check_sides(shape, prediction)
    header = PayloadHeader(_SETTINGS[form & 3], prediction, DEPTHS[form >> 2 & 3], bool(form >> 4 & 1), shape)
    return header, bool(form >> 6 & 1), units
