"""What the first bits of a JPEG XL codestream claim, read before a decoder may believe them.

Syntax and names are those of ISO/IEC 18181-1:2024, annexes B.2 and D: bits are read from the lowest of each byte on.
"""

from lightning_app.errors import CodecError

SIGNATURE = b"\xff\x0a"
_SIDES = ((1, 9), (1, 13), (1, 18), (1, 30))  # U32: an offset, and bits to read
_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}
_LONGEST = 32  # bytes: all that is read here lies within


def claimed_shape(data: bytes) -> tuple[int, int]:
    """(H, W) of a codestream of one plain picture.

    Raises:
        CodecError: it is no bare codestream, or it claims more than one picture without further channels.
    """
    if not data.startswith(SIGNATURE):
        raise CodecError(f"{len(data)} bytes are not a JPEG XL codestream: they do not begin with FF 0A")
    bits = _Bits(data[len(SIGNATURE) : _LONGEST])
    shape = _size(bits)
    if not bits.read(1) and (bits.read(1) or _further_channels(bits)):  # all_default, extra_fields
        raise CodecError(
            "the JPEG XL codestream has an animation, a preview or further channels, not one plain picture"
        )
    return shape


def _size(bits: "_Bits") -> tuple[int, int]:
    """SizeHeader (D.2)."""
    small = bits.read(1)  # div8
    height = 8 * (bits.read(5) + 1) if small else bits.choice(_SIDES)
    ratio = bits.read(3)
    if ratio:
        across, down = _RATIOS[ratio]
        return height, height * across // down
    return height, 8 * (bits.read(5) + 1) if small else bits.choice(_SIDES)


def _further_channels(bits: "_Bits") -> int:
    """How many channels ImageMetadata (D.3) has beside those of its colour; behind extra_fields."""
    if bits.read(1):  # BitDepth (D.3.5): float_sample
        bits.choice(((32, 0), (16, 0), (24, 0), (1, 6)))
        bits.read(4)
    else:
        bits.choice(((8, 0), (10, 0), (12, 0), (1, 6)))
    bits.read(1)  # modular_16bit_buffers
    return bits.choice(((0, 0), (1, 0), (2, 4), (1, 12)))


class _Bits:
    def __init__(self, data: bytes) -> None:
        self.number, self.left = int.from_bytes(data, "little"), 8 * len(data)

    def read(self, count: int) -> int:
        """u(count)."""
        if count > self.left:
            raise CodecError("the JPEG XL codestream ends within its header")
        value = self.number & (1 << count) - 1
        self.number >>= count
        self.left -= count
        return value

    def choice(self, ways: tuple[tuple[int, int], ...]) -> int:
        """U32 with four ways, each an offset and the bits that are added to it."""
        offset, count = ways[self.read(2)]
        return offset + self.read(count)
