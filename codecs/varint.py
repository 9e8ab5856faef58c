"""Whole numbers in as few bytes as they need: LEB128, 7 bits per byte, the least significant first."""

from lightning_app.errors import CodecError

MAX_BYTES = 5


def write_varint(number: int) -> bytes:
    """A number from 0 up."""
    return bytes([number & 127 | 128]) + write_varint(number >> 7) if number > 127 else bytes([number])


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """The number at a place of `data`, and the place behind it.

    Raises:
        CodecError: the bytes end before it does, or it takes more than `MAX_BYTES`.
    """
    number = 0
    for i, byte in enumerate(data[at : at + MAX_BYTES]):
        number |= (byte & 127) << 7 * i
        if byte < 128:
            return number, at + i + 1
    raise CodecError(f"{len(data)} bytes have no number at byte {at}: they are damaged, or of another codec")
