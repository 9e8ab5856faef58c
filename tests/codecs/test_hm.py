import csv
import json
import os
import pickle
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lightning_app.codecs import HM, CodecPool, Picture
from lightning_app.codecs.base import sample_type
from lightning_app.codecs.lossless import read_shape, write_shape
from lightning_app.errors import CodecError, OptionError

Program = Callable[..., Path]
Make = Callable[..., HM]


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """A program that runs a function of the stand-in, in a folder that a shell would stumble over."""
    folder = tmp_path / "H M; exit 3 #'"
    folder.mkdir()

    def write(function: str) -> Path:
        path = folder / f"TApp_{function}"
        search = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})"
        path.write_text(f"#!{sys.executable}\n{search}\nimport hm_stand_in\nhm_stand_in.{function}()\n")
        path.chmod(0o755)
        return path

    return write


@pytest.fixture
def hm(program: Program) -> Make:
    def make(depth: int = 8, encoder: str = "encode", decoder: str = "decode", timeout: float = 60) -> HM:
        return HM(program(encoder), program(decoder), depth, timeout)

    return make


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where this process puts temporary folders; empty again at the end."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    yield folder
    assert list(folder.iterdir()) == []


def noise(depth: int = 8, height: int = 16, width: int = 24) -> Picture:
    picture = np.random.default_rng(0).integers(0, 2**depth, (height, width))
    return picture.astype(np.uint8) if depth == 8 else picture.astype(np.uint16)


def options(payload: bytes) -> dict[str, str]:
    """What the stand-in was started with."""
    _, stream = read_shape(payload)
    found: dict[str, str] = json.loads(stream.partition(b"\n")[0])["options"]
    return found


@pytest.mark.parametrize("depth", [8, 10, 12])
def test_lossless_is_exact_at_every_depth(hm: Make, depth: int, temporary: Path) -> None:
    for picture in (noise(depth), noise(depth, 33, 17)):
        decoded = hm(depth).decode(hm(depth).encode(picture, None))
        assert decoded.dtype == picture.dtype
        np.testing.assert_array_equal(decoded, picture)


def test_a_higher_qp_costs_less_and_errs_more(hm: Make) -> None:
    payloads = [hm().encode(noise(), qp) for qp in (None, 22, 37)]
    errors = [float(np.mean((hm().decode(data).astype(float) - noise()) ** 2)) for data in payloads]
    assert 0 == errors[0] < errors[1] < errors[2]
    assert len(payloads[0]) > len(payloads[1]) > len(payloads[2])


def test_the_payload_is_the_shape_and_all_of_the_stream(hm: Make) -> None:
    payload = hm().encode(noise(), 27)
    assert payload.startswith(write_shape((16, 24)) + b'{"step"')
    assert hm().encode(noise(), 27) == payload


@pytest.mark.parametrize("depth", [8, 12])
def test_the_encoder_gets_the_papers_settings(hm: Make, depth: int) -> None:
    given = options(hm(depth).encode(noise(depth, 16, 24), 27))
    wanted = f"""
    SourceWidth=24 SourceHeight=16 InputBitDepth={depth} InternalBitDepth={depth} InputChromaFormat=400
    ChromaFormatIDC=400 Profile=main-RExt FramesToBeEncoded=1 IntraPeriod=1 MaxCUWidth=16 MaxCUHeight=16
    Level=4.1 ImplicitResidualDPCM=1 ExplicitResidualDPCM=1 ResidualRotation=1 SingleSignificanceMapContext=1
    GolombRiceParameterAdaptation=1 HighPrecisionPredictionWeighting=1
    MaxPartitionDepth=2 QuadtreeTULog2MaxSize=4 RDOQ=0 RDOQTS=0 TransformSkip=1 SignHideFlag=1 SEIDecodedPictureHash=0
    QP=27
    """
    assert {setting.split("=")[0]: setting.split("=")[1] for setting in wanted.split()}.items() <= given.items()
    assert not {"CostMode", "TransquantBypassEnableFlag", "CUTransquantBypassFlagForce"} & given.keys()
    lossless = options(hm(depth).encode(noise(depth, 16, 24), None))
    assert [lossless[name] for name in ("CostMode", "TransquantBypassEnableFlag", "CUTransquantBypassFlagForce")] == [
        "lossless",
        "1",
        "1",
    ]


@pytest.mark.parametrize(
    ("shape", "level"),
    [((1024, 2176), "4.1"), ((1024, 2177), "6.2"), ((16, 4216), "4.1"), ((16, 4217), "6.2")],
    ids=str,
)
def test_the_level_and_the_ctu_are_such_that_hms_decoder_takes_them(
    hm: Make, shape: tuple[int, int], level: str
) -> None:
    payload = hm().encode(np.zeros(shape, np.uint8), 27)
    assert options(payload)["Level"] == level
    assert hm().decode(payload).shape == shape


@pytest.mark.skipif("HM_ENCODER" not in os.environ, reason="HM_ENCODER and HM_DECODER name no build of HM 16.12")
def test_the_real_hm_gives_the_bytes_and_errors_of_the_reference(shared: Path) -> None:
    folder, found, expected = shared / "hm-reference", [], []
    for path in sorted(folder.glob("*.csv")):
        for row in csv.DictReader(path.read_text().splitlines()):
            depth, qp = int(row["depth_bits"]), None if row["qp"] == "lossless" else int(row["qp"])
            picture: Picture = np.asarray(Image.open(folder / row["tile"])).astype(sample_type(depth))
            codec = HM(os.environ["HM_ENCODER"], os.environ["HM_DECODER"], depth)
            payload = codec.encode(picture, qp)
            error = np.mean((codec.decode(payload).astype(float) - picture) ** 2)
            found.append((row["tile"], qp, len(payload) - len(write_shape(picture.shape)), round(float(error), 4)))
            expected.append((row["tile"], qp, int(row["hm_bytes"]), float(row["hm_mse"])))
    assert len(found) == 60
    assert found == expected


def test_programs_are_found_from_any_folder_later(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(program("encode").parent)
    codec = HM("TApp_encode", f"./{program('decode').name}")
    monkeypatch.chdir(tmp_path)
    np.testing.assert_array_equal(codec.decode(codec.encode(noise(), None)), noise())


@pytest.mark.parametrize("role", ["encoder", "decoder"])
def test_a_missing_program_is_named_at_once(program: Program, tmp_path: Path, role: str) -> None:
    (tmp_path / "text").write_text("not a program")
    for path in (tmp_path / "nowhere", tmp_path, tmp_path / "text"):
        programs = {"encoder": program("encode"), "decoder": program("decode"), role: path}
        message = f"HM's {role} is not a program at {path}: build HM 16.12 and give the path of its {role}"
        with pytest.raises(OptionError, match=f"^{re.escape(message)}$"):
            HM(programs["encoder"], programs["decoder"])


def test_a_program_of_another_machine_is_named(hm: Make, program: Program, temporary: Path) -> None:
    codec = hm()
    Path(codec.encoder).write_bytes(b"\x7fELF of another machine")
    with pytest.raises(CodecError, match=r"TApp_encode cannot be started: .*; build HM for this machine$"):
        codec.encode(noise(), 27)


def test_a_program_that_fails_is_quoted(hm: Make, temporary: Path) -> None:
    with pytest.raises(CodecError, match=r"^TApp_crash ended with status 1: Error: level 6\.2 is not enough$"):
        hm(encoder="crash").encode(noise(), 27)
    payload = hm().encode(noise(), 27)
    with pytest.raises(CodecError, match=r"^TApp_crash ended with status 1: Error: level 6\.2 is not enough$"):
        hm(decoder="crash").decode(payload)


def test_an_option_that_hm_does_not_know_is_an_error(program: Program) -> None:
    run = subprocess.run([program("encode"), "--Nonsense=1"], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (1, "Unknown option `Nonsense' (value:`1')\n\n")


def test_a_program_that_hangs_is_killed(hm: Make, temporary: Path) -> None:
    codec = hm(encoder="hang", timeout=1)
    with pytest.raises(CodecError, match=r"^TApp_hang took more than 1 seconds for a picture; raise timeout$"):
        codec.encode(noise(), 27)
    process = int(Path(codec.encoder).with_suffix(".pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_output_that_is_missing_or_short_is_refused(hm: Make, temporary: Path) -> None:
    with pytest.raises(CodecError, match=r"^HM wrote 0 bytes of stream\.hevc; TApp_write_nothing said: nothing to do$"):
        hm(encoder="write_nothing").encode(noise(), 27)
    payload = hm().encode(noise(), 27)
    with pytest.raises(CodecError, match=r"^HM wrote 0 bytes of decoded\.yuv, not 384; .* said: nothing to do$"):
        hm(decoder="write_nothing").decode(payload)
    with pytest.raises(CodecError, match=r"^HM wrote 5 bytes of decoded\.yuv, not 384; .* said: nothing$"):
        hm(decoder="decode_too_little").decode(payload)


def test_what_is_not_a_payload_is_refused(hm: Make, temporary: Path) -> None:
    payload = hm().encode(noise(), 27)
    for broken in (b"", payload[:2], write_shape((16, 24)), write_shape((16, 24)) + b"noise", payload[:-1]):
        with pytest.raises(CodecError):
            hm().decode(broken)
    with pytest.raises(CodecError, match=r"^HM wrote 384 bytes of decoded\.yuv, not 400; "):
        hm().decode(write_shape((16, 25)) + payload[3:])


@pytest.mark.parametrize("timeout", [0, -1])
def test_a_time_limit_is_above_zero(hm: Make, timeout: float) -> None:
    with pytest.raises(OptionError, match=f"^timeout must be above 0 seconds, not {timeout}$"):
        hm(timeout=timeout)


@pytest.mark.parametrize(
    ("picture", "qp", "error"),
    [
        (noise(8, 8, 8), 27, "must be 16 pixels or more on each side, not 8×8: pad it"),
        (noise(10), 27, "of 8 bits must be uint8"),
        (noise(), 52, "QP must be lossless or 0 to 51, not 52"),
    ],
)
def test_what_does_not_fit_is_refused_before_a_program_starts(hm: Make, picture: Any, qp: int, error: str) -> None:
    with pytest.raises((CodecError, OptionError), match=error):
        hm(encoder="crash").encode(picture, qp)


def test_workers_run_it_too(hm: Make) -> None:
    codec = pickle.loads(pickle.dumps(hm(10)))
    with CodecPool(codec, 2) as pool:
        coded = pool.code([noise(10)] * 3, [None, 22, 37])
    assert [one.data for one in coded] == [codec.encode(noise(10), qp) for qp in (None, 22, 37)]
    np.testing.assert_array_equal(coded[0].picture, noise(10))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*does not have many workers")
def test_the_command_line_configures_it(dfc: Callable[..., Any], tiny: tuple[str, ...], program: Program) -> None:
    codec = "--model.channel.codec"
    path = ("--model.channel.split", "max_5", "--model.channel.qps", "[37]", "--data.init_args.test_pictures", "2")
    programs = (
        *(codec, "lightning_app.codecs.HM"),
        *(f"{codec}.encoder", str(program("encode"))),
        *(f"{codec}.decoder", str(program("decode"))),
    )
    result = dfc("validate", *tiny, *path, *programs)
    assert result.status == 0, result.err
    assert "Split at max_5, 8 bits tiled, HM, 2 pictures" in result.out
    missing = dfc("validate", *tiny, *path, *programs[:3], "/nowhere", *programs[4:])
    assert missing.status == 2
    assert "HM's encoder is not a program at /nowhere" in missing.err
