"""The container: its bytes by hand, its round trip, and that damage is never taken for features."""

import struct
import zlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightning_app.bitstream import ContainerHeader, SentTensor, pack, unpack
from lightning_app.errors import CodecError

HEADER = ContainerHeader(
    model=0x12345678,
    split=17,
    passthrough="reduced",
    layout="tiled",
    group=1,
    depth=8,
    zero_min=False,
    codec="HEVC",
    qp=32,
    size=(375, 500),
)
TENSOR = SentTensor((256, 13, 13), -1.5, 4.0, b"payload")

shapes = st.tuples(st.integers(1, 300), st.integers(1, 200), st.integers(1, 200))
reals = st.floats(-1e6, 1e6, width=32)


def test_the_bytes_are_those_of_the_table() -> None:
    body = (
        b"DFC\x01" + bytes.fromhex("78563412") + b"\x11" + b"\x00" + b"\x01" + b"\x20" + struct.pack("<2H", 375, 500)
        + b"\x01" + b"\x80\x02\x0d\x0d" + struct.pack("<2f", -1.5, 4.0) + b"payload"
    )  # fmt: skip
    assert pack(HEADER, [TENSOR]) == body + struct.pack("<I", zlib.crc32(body))


def test_the_overhead_of_a_picture_is_33_bytes_and_14_more_for_each_further_tensor() -> None:
    one = SentTensor((256, 13, 13), 0, 1, bytes(3000))
    assert len(pack(HEADER, [one])) == 3000 + 33
    assert len(pack(HEADER, [one, one])) == 2 * 3000 + 33 + 14
    assert len(pack(replace(HEADER, zero_min=True), [replace(one, lo=0.0)])) == 3000 + 29


def test_the_length_depends_on_neither_the_model_nor_the_size() -> None:
    other = replace(HEADER, model=0, size=(1, 65535), letterbox=True)
    assert len(pack(other, [TENSOR])) == len(pack(HEADER, [TENSOR]))


@given(
    st.builds(
        ContainerHeader,
        model=st.integers(0, 2**32 - 1),
        split=st.integers(0, 400),
        passthrough=st.sampled_from(["reduced", "full"]),
        layout=st.sampled_from(["tiled", "quilted"]),
        group=st.just(1),
        depth=st.sampled_from([8, 10, 12]),
        zero_min=st.just(False),
        codec=st.sampled_from(["HEVC", "PNG", "JPEG", "LZMA", "AVC"]),
        qp=st.none() | st.integers(0, 100),
        size=st.tuples(st.integers(1, 65535), st.integers(1, 65535)),
        letterbox=st.booleans(),
        transformed=st.booleans(),
    ),
    st.lists(st.tuples(shapes, reals, reals, st.binary(max_size=300)), min_size=1, max_size=4),
)
def test_what_is_packed_is_unpacked(
    header: ContainerHeader, rows: list[tuple[tuple[int, int, int], float, float, bytes]]
) -> None:
    tensors = [SentTensor(shape, min(a, b), max(a, b), payload) for shape, a, b, payload in rows]
    assert unpack(pack(header, tensors)) == (header, tensors)


@pytest.mark.parametrize(
    ("changes", "tensor"),
    [
        ({"layout": "frames", "group": 32}, TENSOR),
        ({"zero_min": True}, replace(TENSOR, lo=0.0)),
        ({"depth": 32, "codec": "Raw", "qp": None}, replace(TENSOR, lo=0.0, hi=0.0)),
    ],
)
def test_what_is_implied_is_not_sent_and_comes_back(changes: dict[str, object], tensor: SentTensor) -> None:
    header = replace(HEADER, **changes)  # type: ignore[arg-type]
    assert unpack(pack(header, [tensor])) == (header, [tensor])


def test_a_codec_that_is_not_ours_is_called_other() -> None:
    header, _ = unpack(pack(replace(HEADER, codec="MyOwn"), [TENSOR]))
    assert header.codec == "other"


@given(st.data())
def test_every_flipped_bit_and_every_cut_is_noticed(data: st.DataObject) -> None:
    whole = pack(HEADER, [TENSOR, TENSOR])
    bit = data.draw(st.integers(0, 8 * len(whole) - 1))
    flipped = bytearray(whole)
    flipped[bit // 8] ^= 1 << bit % 8
    with pytest.raises(CodecError):
        unpack(bytes(flipped))
    with pytest.raises(CodecError):
        unpack(whole[: data.draw(st.integers(0, len(whole) - 1))])


def sealed(body: bytes) -> bytes:
    return body + struct.pack("<I", zlib.crc32(body))


@given(st.binary(max_size=80))
def test_lies_under_a_right_checksum_are_refused_or_read_whole(tail: bytes) -> None:
    """An attacker can compute the checksum too."""
    try:
        _, tensors = unpack(sealed(b"DFC\x01" + tail))
    except CodecError:
        return
    assert sum(len(tensor.payload) for tensor in tensors) <= len(tail)


START = pack(HEADER, [TENSOR])[:17]
TWO = START[:16] + b"\x02"  # tensors


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "this is no .dfc file"),
        (b"JFIF and so on", "this is no .dfc file"),
        (b"DFC\x02" + bytes(30), "is of version 2, and this program reads version 1"),
        (pack(HEADER, [TENSOR])[:-1], "damaged or cut short"),
        (sealed(START[:9]), "claims more bytes than it has"),
        (sealed(START[:16] + b"\x00"), "claims 0 tensors"),
        (sealed(START[:16] + b"\x41"), "claims 65 tensors"),
        (sealed(START + b"\x80\x80\x80\x80\x08" * 3), "claims a tensor of 2147483648×2147483648×2147483648"),
        (sealed(START + b"\xff" * 6), "have no number at byte 17"),
        (sealed(START + b"\x01\x01\x01" + struct.pack("<2f", 1, 0)), "a minimum of 1.0 and a maximum of 0.0"),
        (
            sealed(START + b"\x01\x01\x01" + struct.pack("<2f", 0, float("nan"))),
            "a minimum of 0.0 and a maximum of nan",
        ),
        (sealed(START + b"\x01\x01\x01" + struct.pack("<2f", -3e38, 3e38)), "a minimum of -3.*e.38 and a maximum of"),
        (sealed(TWO + b"\x01\x01\x01" + struct.pack("<2f", 0, 1) + b"\x05abc"), "claims more bytes than it has"),
        (sealed(TWO + b"\x01\x01\x01" + struct.pack("<2f", 0, 1) + b"\x03abc"), "have no number at byte"),
        (sealed(START[:12] + bytes(2) + START[14:]), "claims a picture of 0×500 pixels"),
        (sealed(START[:9] + b"\x18" + START[10:]), "a layout or codec that this program does not know"),
        (sealed(START[:10] + b"\x63" + START[11:]), "a layout or codec that this program does not know"),
    ],
)
def test_each_lie_gets_its_sentence(data: bytes, sentence: str) -> None:
    with pytest.raises(CodecError, match=sentence):
        unpack(data)
