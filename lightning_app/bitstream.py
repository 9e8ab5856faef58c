"""The ``.dfc`` container: everything that is sent for one image, so that the cloud needs it and its model only.

Numbers without a size are LEB128 varints; fixed ones are little-endian.

=========  =====================================================================================
bytes      what
=========  =====================================================================================
2          ``DF C2`` in hexadecimal: the last digit is the version of the format
1 or 2     index of the layer behind which the network is cut
1          passthrough, zero_min, letterbox (a bit each), layout and depth (two bits each), transformed (a bit)
1          codec, by its number in ``codecs/table.py``
1          QP, 255 for lossless
2 + 2      height and width of the original picture, for boxes in its pixels
varint     channels a frame, for the layout ``frames`` alone
8          for each tensor: minimum and maximum, float32; the maximum alone with zero_min; neither for float32 samples
varint     length of the payload, but for the last tensor, and the payload
4          CRC-32 of all that went before, exclusive-or the CRC-32 of the network, its weights and the transform
=========  =====================================================================================

How many tensors there are and their shapes follow from the network, the cut and the transform, so they are not sent.
The last four bytes find damage and another model alike: for either the cloud refuses the container.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lightning_app.codecs.table import name_of, number_of
from lightning_app.codecs.varint import read_varint, write_varint
from lightning_app.errors import CodecError, DataError
from lightning_app.graph import Passthrough
from lightning_app.tiling import Layout

VERSION = 2
MAGIC = bytes([0xDF, 0xC0 | VERSION])
_FIRST_MAGIC = b"DFC\x01"
"""Of version 1."""
LAYOUTS: dict[Layout, int] = {"tiled": 0, "quilted": 1, "frames": 2}
"""Numbers of the layouts in the container; a number is never given again."""
DEPTHS = {8: 0, 10: 1, 12: 2, 32: 3}
"""Numbers of the depths in the container."""
LOSSLESS = 255
LARGEST = float(np.finfo(np.float32).max)
"""The widest range from a minimum to a maximum."""
MAX_BYTES = 1 << 27
"""The largest file that is read: twice the float32 samples of yolov2's largest tensor at 608×608, and more."""


@dataclass(frozen=True)
class ContainerHeader:
    """What is said once for an image.

    Attributes:
        model: CRC-32 of the network, its weights and the transform, as `model_id` gives it.
        split: index of the layer behind which the network is cut.
        passthrough: the second tensor that is sent where a later layer joins an earlier one.
        layout: of the channels in pictures.
        group: channels a frame, 1 but for ``frames``.
        depth: bits per sample: 8, 10, 12, or 32 for float32.
        zero_min: the minimum of every tensor is 0 and is not sent.
        codec: its name in the table of codecs, else ``other``.
        qp: at which the payloads are coded, None for lossless.
        size: height and width of the original picture, in pixels.
        letterbox: the network saw the picture letterboxed, not stretched.
        transformed: a transform reduced the features before they were quantised.
    """

    model: int
    split: int
    passthrough: Passthrough
    layout: Layout
    group: int
    depth: int
    zero_min: bool
    codec: str
    qp: int | None
    size: tuple[int, int]
    letterbox: bool = False
    transformed: bool = False


@dataclass(frozen=True)
class SentTensor:
    """One tensor that is sent.

    Attributes:
        shape: C, N, M; not in the container.
        lo: the minimum.
        hi: the maximum.
        payload: of the codec.
    """

    shape: tuple[int, int, int]
    lo: float
    hi: float
    payload: bytes


def pack(header: ContainerHeader, tensors: Sequence[SentTensor]) -> bytes:
    """One image's tensors as a container."""
    qp = LOSSLESS if header.qp is None else header.qp
    data = bytearray(MAGIC + write_varint(header.split))
    data += struct.pack("<BBB2H", _flags(header), number_of(header.codec), qp, *header.size)
    if header.layout == "frames":
        data += write_varint(header.group)
    for i, tensor in enumerate(tensors, start=1):
        data += _pack_range(header, tensor)
        data += (write_varint(len(tensor.payload)) if i < len(tensors) else b"") + tensor.payload
    return bytes(data) + struct.pack("<I", zlib.crc32(data) ^ header.model)


def read_header(data: bytes) -> ContainerHeader:
    """What a container says once. Nothing is checked against damage: its model is right if the container is sound.

    Raises:
        CodecError: the bytes are no container, of another version, or cut short.
    """
    return _opened(data)[0]


def unpack(data: bytes, model: int, shapes: Sequence[tuple[int, int, int]]) -> tuple[ContainerHeader, list[SentTensor]]:
    """The inverse of `pack`.

    Args:
        data: the container.
        model: the number of the network, its weights and the transform, as `model_id` gives it.
        shapes: C, N, M of each tensor, in the order in which they were packed.

    Raises:
        CodecError: the bytes are no container, of another version, cut short, damaged or of another model.
    """
    header, reader = _opened(data)
    if header.model != model:
        raise CodecError(
            "the .dfc file was made with another network, transform or weights, or it is damaged: "
            "give those of the mobile side, or send it again"
        )
    return header, [_read_tensor(reader, header, shape, last=i == len(shapes)) for i, shape in enumerate(shapes, 1)]


def _opened(data: bytes) -> tuple[ContainerHeader, _Reader]:
    """The header, and a reader that stands behind it."""
    if data.startswith(_FIRST_MAGIC):
        raise CodecError(f"the .dfc file is of version 1, and this program reads version {VERSION}: encode it again")
    if len(data) < 2 or data[0] != MAGIC[0] or data[1] & 0xF0 != MAGIC[1] & 0xF0:
        raise CodecError("this is no .dfc file: it does not begin with the bytes DF C2")
    if data[1] != MAGIC[1]:
        raise CodecError(f"the .dfc file is of version {data[1] & 15}, and this program reads version {VERSION}")
    if len(data) < 6:
        raise CodecError("the .dfc file is cut short")
    body, seal = data[:-4], int.from_bytes(data[-4:], "little")
    reader = _Reader(body, len(MAGIC))
    return _read_header(reader, model=zlib.crc32(body) ^ seal), reader


def read_container(path: Path) -> bytes:
    """The bytes of a file that may be a container.

    Raises:
        DataError: it cannot be read.
        CodecError: it is larger than any container.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > MAX_BYTES:
        raise CodecError(f"{path} has more than {MAX_BYTES:,} bytes, the most of a .dfc file")
    return data


def _flags(header: ContainerHeader) -> int:
    return (
        (header.passthrough == "full")
        | header.zero_min << 1
        | header.letterbox << 2
        | LAYOUTS[header.layout] << 3
        | DEPTHS[header.depth] << 5
        | header.transformed << 7
    )


def _pack_range(header: ContainerHeader, tensor: SentTensor) -> bytes:
    if header.depth == 32:
        return b""
    return struct.pack("<f", tensor.hi) if header.zero_min else struct.pack("<2f", tensor.lo, tensor.hi)


class _Reader:
    """Takes one field after another from bytes, and refuses to read past their end."""

    def __init__(self, data: bytes, position: int) -> None:
        self.data, self.position = data, position

    def take(self, count: int) -> bytes:
        if count > len(self.data) - self.position:
            raise CodecError("the .dfc file claims more bytes than it has")
        self.position += count
        return self.data[self.position - count : self.position]

    def integer(self, size: int) -> int:
        return int.from_bytes(self.take(size), "little")

    def real(self) -> float:
        return float(struct.unpack("<f", self.take(4))[0])

    def varint(self) -> int:
        number, self.position = read_varint(self.data, self.position)
        return number


def _read_header(reader: _Reader, model: int) -> ContainerHeader:
    split, flags = reader.varint(), reader.integer(1)
    codec, qp = name_of(reader.integer(1)), reader.integer(1)
    size = reader.integer(2), reader.integer(2)
    if min(size) < 1:
        raise CodecError(f"the .dfc file claims a picture of {size[0]}×{size[1]} pixels")
    layouts = {number: layout for layout, number in LAYOUTS.items()}
    depths = {number: depth for depth, number in DEPTHS.items()}
    if flags >> 3 & 3 not in layouts or codec is None:
        raise CodecError("the .dfc file asks for a layout or codec that this program does not know")
    layout = layouts[flags >> 3 & 3]
    return ContainerHeader(
        model=model,
        split=split,
        passthrough="full" if flags & 1 else "reduced",
        layout=layout,
        group=reader.varint() if layout == "frames" else 1,
        depth=depths[flags >> 5 & 3],
        zero_min=bool(flags & 2),
        codec=codec,
        qp=None if qp == LOSSLESS else qp,
        size=size,
        letterbox=bool(flags & 4),
        transformed=bool(flags >> 7),
    )


def _read_tensor(reader: _Reader, header: ContainerHeader, shape: tuple[int, int, int], last: bool) -> SentTensor:
    if header.group < 1 or shape[0] % header.group:
        raise CodecError(f"the .dfc file claims {header.group} channels a frame, and {shape[0]} channels are sent")
    lo = 0.0 if header.depth == 32 or header.zero_min else reader.real()
    hi = 0.0 if header.depth == 32 else reader.real()
    if not (lo <= hi and hi - lo <= LARGEST):
        raise CodecError(f"the .dfc file claims a minimum of {lo} and a maximum of {hi}")
    length = len(reader.data) - reader.position if last else reader.varint()
    return SentTensor(shape, lo, hi, reader.take(length))
