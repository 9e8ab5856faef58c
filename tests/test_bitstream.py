"""The container: its bytes by hand, its round trip, and that damage is never taken for features."""

import struct
import zlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightning_app.bitstream import ContainerHeader, SentTensor, pack, read_header, unpack
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

SHAPE = TENSOR.shape
shapes = st.tuples(st.integers(1, 300), st.integers(1, 200), st.integers(1, 200))
reals = st.floats(-1e6, 1e6, width=32)


def test_the_bytes_are_those_of_the_table() -> None:
    body = (
        b"\xdf\xc2" + b"\x11" + b"\x00" + b"\x01" + b"\x20" + struct.pack("<2H", 375, 500)
        + struct.pack("<2f", -1.5, 4.0) + b"payload"
    )  # fmt: skip
    assert pack(HEADER, [TENSOR]) == body + struct.pack("<I", zlib.crc32(body) ^ 0x12345678)


def test_the_overhead_of_a_picture_is_22_bytes_and_10_more_for_each_further_tensor() -> None:
    one = SentTensor((256, 13, 13), 0, 1, bytes(3000))
    assert len(pack(HEADER, [one])) == 3000 + 22
    assert len(pack(HEADER, [one, one])) == 2 * 3000 + 22 + 10
    assert len(pack(replace(HEADER, zero_min=True), [replace(one, lo=0.0)])) == 3000 + 18


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
    data = pack(header, tensors)
    assert unpack(data, header.model, [tensor.shape for tensor in tensors]) == (header, tensors)
    assert read_header(data) == header


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
    assert unpack(pack(header, [tensor]), header.model, [SHAPE]) == (header, [tensor])


def test_a_codec_that_is_not_ours_is_called_other() -> None:
    assert read_header(pack(replace(HEADER, codec="MyOwn"), [TENSOR])).codec == "other"


@pytest.mark.parametrize("bit", [0, 7, 31])
def test_another_model_is_refused(bit: int) -> None:
    with pytest.raises(CodecError, match="made with another network, transform or weights, or it is damaged"):
        unpack(pack(HEADER, [TENSOR]), HEADER.model ^ 1 << bit, [SHAPE])


@given(st.data())
def test_every_flipped_bit_and_every_cut_is_noticed(data: st.DataObject) -> None:
    whole = pack(HEADER, [TENSOR, TENSOR])
    bit = data.draw(st.integers(0, 8 * len(whole) - 1))
    flipped = bytearray(whole)
    flipped[bit // 8] ^= 1 << bit % 8
    with pytest.raises(CodecError):
        unpack(bytes(flipped), HEADER.model, [SHAPE, SHAPE])
    with pytest.raises(CodecError):
        unpack(whole[: data.draw(st.integers(0, len(whole) - 1))], HEADER.model, [SHAPE, SHAPE])


def sealed(body: bytes) -> bytes:
    return body + struct.pack("<I", zlib.crc32(body) ^ HEADER.model)


@given(st.binary(max_size=80), st.integers(1, 4))
def test_lies_under_a_right_checksum_are_refused_or_read_whole(tail: bytes, tensors: int) -> None:
    """An attacker can compute the checksum too."""
    try:
        _, found = unpack(sealed(b"\xdf\xc2" + tail), HEADER.model, [SHAPE] * tensors)
    except CodecError:
        return
    assert sum(len(tensor.payload) for tensor in found) <= len(tail)


START = pack(HEADER, [TENSOR])[:10]
FRAMES = START[:3] + b"\x10" + START[4:]  # the layout frames


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "this is no .dfc file"),
        (b"JFIF and so on", "this is no .dfc file"),
        (b"DFC\x01" + bytes(30), "is of version 1, and this program reads version 2: encode it again"),
        (b"\xdf\xc3" + bytes(30), "is of version 3, and this program reads version 2"),
        (pack(HEADER, [TENSOR])[:-1], "or it is damaged"),
        (START[:5], "is cut short"),
        (sealed(START[:5]), "claims more bytes than it has"),
        (sealed(START + bytes(3)), "claims more bytes than it has"),
        (sealed(FRAMES + b"\x05" + bytes(8)), "claims 5 channels a frame, and 256 channels are sent"),
        (sealed(FRAMES + b"\x00" + bytes(8)), "claims 0 channels a frame, and 256 channels are sent"),
        (sealed(FRAMES + b"\xff" * 6), "have no number at byte 10"),
        (sealed(START + struct.pack("<2f", 1, 0)), "a minimum of 1.0 and a maximum of 0.0"),
        (sealed(START + struct.pack("<2f", 0, float("nan"))), "a minimum of 0.0 and a maximum of nan"),
        (sealed(START + struct.pack("<2f", -3e38, 3e38)), "a minimum of -3.*e.38 and a maximum of"),
        (sealed(START[:6] + bytes(2) + START[8:]), "claims a picture of 0×500 pixels"),
        (sealed(START[:3] + b"\x18" + START[4:]), "a layout or codec that this program does not know"),
        (sealed(START[:4] + b"\x63" + START[5:]), "a layout or codec that this program does not know"),
    ],
)
def test_each_lie_gets_its_sentence(data: bytes, sentence: str) -> None:
    with pytest.raises(CodecError, match=sentence):
        unpack(data, HEADER.model, [SHAPE])


@pytest.mark.parametrize(
    ("payload", "sentence"),
    [(b"\x05abc", "claims more bytes than it has"), (b"\x03abc", "claims more bytes than it has")],
    ids=["the first is longer than the file", "there is no second"],
)
def test_a_container_with_fewer_tensors_than_are_sent_is_refused(payload: bytes, sentence: str) -> None:
    with pytest.raises(CodecError, match=sentence):
        unpack(sealed(START + struct.pack("<2f", 0, 1) + payload), HEADER.model, [SHAPE, SHAPE])
