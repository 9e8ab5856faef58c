"""Every codec of the table is reached by its name, by its class and by its number in a container."""

import zlib

import pytest
from jsonargparse import ArgumentParser

from lightning_app import codecs
from lightning_app.bitstream import ContainerHeader, SentTensor, pack, read_header
from lightning_app.codecs import HEVC, JPEGXL, Codec, codec_named
from lightning_app.codecs.table import BY_NAME, TABLE, Entry
from lightning_app.errors import CodecError, OptionError

NUMBERS = {"HEVC": 1, "PNG": 2, "JPEG": 3, "LZMA": 5, "Raw": 6, "HM": 7, "AVC": 8, "JPEGLS": 11, "JPEGXL": 12}
GONE = (4, 9, 10)
CODEC = 4  # the place of its number in a container whose split takes one byte

every = pytest.mark.parametrize("entry", TABLE, ids=[entry.name for entry in TABLE])


def container(codec: str) -> bytes:
    header = ContainerHeader(0, 17, "reduced", "tiled", 1, depth=8, zero_min=False, codec=codec, qp=32, size=(375, 500))
    return pack(header, [SentTensor((1, 2, 2), 0.0, 1.0, b"payload")])


def test_the_numbers_are_those_of_files_that_exist() -> None:
    assert {entry.name: entry.number for entry in TABLE} == NUMBERS
    assert not {entry.number for entry in TABLE} & {0, *GONE}


def test_no_two_codecs_share_a_number_or_a_name() -> None:
    assert len({entry.number for entry in TABLE}) == len({entry.name for entry in TABLE}) == len(TABLE)


@every
def test_a_codec_is_reached_by_its_name(entry: Entry) -> None:
    assert (entry.kind.__name__, getattr(codecs, entry.name)) == (entry.name, entry.kind)
    if entry.name == "HM":  # the paths of its programs are not in a name
        with pytest.raises(OptionError, match=r"^no codec is named HM: take one of HEVC, PNG, "):
            codec_named("HM", 8)
    else:
        codec = codec_named(entry.name, 8)
        assert (type(codec), str(codec), codec.depth) == (entry.kind, entry.name, 8)


@every
def test_a_command_line_finds_its_class_by_the_name(entry: Entry) -> None:
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--codec", type=Codec)
    programs = ["--codec.encoder", "TAppEncoder", "--codec.decoder", "TAppDecoder"] if entry.name == "HM" else []
    found = parser.parse_args(["--codec", entry.name, *programs]).codec
    assert found.class_path.rpartition(".")[2] == entry.name
    if not programs:
        made = parser.instantiate_classes(parser.parse_args(["--codec", entry.name])).codec
        assert type(made) is entry.kind


@every
def test_a_container_says_it_by_its_number(entry: Entry) -> None:
    data = container(entry.name)
    assert data[CODEC] == entry.number
    assert read_header(data).codec == entry.name


def test_settings_of_hevc_are_part_of_its_name() -> None:
    codec = codec_named("HEVC/best/inter", 10)
    assert isinstance(codec, HEVC)
    assert (str(codec), codec.depth) == ("HEVC/best/inter", 10)


def test_the_effort_of_jpegxl_is_part_of_its_name() -> None:
    codec = codec_named("JPEGXL/9", 12)
    assert isinstance(codec, JPEGXL)
    assert (str(codec), codec.effort, codec.depth) == ("JPEGXL/9", 9, 12)


def test_what_is_no_name_gets_the_list_of_names() -> None:
    with pytest.raises(
        OptionError, match=rf"^no codec is named VVC: take one of {', '.join(BY_NAME)}; a codec of your own is given "
    ):
        codec_named("VVC", 8)


@pytest.mark.parametrize("number", [*GONE, 13, 255])
def test_a_container_of_a_codec_that_is_gone_or_unheard_of_is_refused(number: int) -> None:
    body = container("HEVC")[:-4]
    body = body[:CODEC] + bytes([number]) + body[CODEC + 1 :]
    with pytest.raises(CodecError, match="asks for a layout or codec that this program does not know"):
        read_header(body + zlib.crc32(body).to_bytes(4, "little"))
