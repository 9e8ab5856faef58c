"""Picture files: of every mode, size and kind that there is, and broken ones."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lightning_app.channel import FeatureChannel
from lightning_app.codecs.base import MAX_SAMPLES
from lightning_app.darknet import Network
from lightning_app.data import fit_picture, read_picture
from lightning_app.errors import DataError
from lightning_app.systems import Collaborative
from lightning_app.transmit import encode_picture

SHAPES = Path(__file__).parents[2] / "configs/networks/shapes.cfg"
Mutate = Callable[[np.random.Generator, bytes], bytes]
forms = pytest.mark.parametrize(
    "count", [160, pytest.param(2000, marks=[pytest.mark.soak, pytest.mark.slow, pytest.mark.timeout(7200)])]
)


def written(picture: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def gradient(mode: str = "RGB") -> Image.Image:
    return Image.linear_gradient("L").resize((40, 24)).convert(mode)


def deep_grey() -> Image.Image:
    """A ramp of 16 bits, from black on the left to white on the right."""
    return Image.fromarray(np.tile(np.linspace(0, 65535, 40).astype(np.uint16), (24, 1)))


FILES = [
    *(written(gradient(mode), "JPEG") for mode in ("RGB", "L", "CMYK")),
    written(gradient(), "JPEG", progressive=True),
    *(written(gradient(mode), "PNG") for mode in ("RGB", "L", "LA", "P", "RGBA", "1")),
    written(deep_grey(), "PNG"),
    *(written(gradient(), kind) for kind in ("BMP", "GIF", "PPM", "TIFF", "WEBP")),
]


@forms
def test_a_changed_picture_is_refused_by_name_or_is_a_picture(fuzz: Any, bytewise: Mutate, count: int) -> None:
    outcomes = {report.outcome for report in fuzz.mutated("picture", FILES, "a.jpg", count, bytewise)}
    assert outcomes == {"fine", "refused"}


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_of_16_bits_the_upper_8_are_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(written(deep_grey(), kind))
    if kind == "PPM":  # Pillow reads it as 32 bits, of which nobody says what is white
        with pytest.raises(
            DataError, match="its samples are of mode I, and it does not say which of them are white; save it with 8"
        ):
            read_picture(path)
        return
    row = read_picture(path)[0]
    assert row.tolist() == [[value >> 8] * 3 for value in np.linspace(0, 65535, 40).astype(int).tolist()]


def test_a_jpeg_cut_anywhere_is_refused_or_whole(fuzz: Any) -> None:
    whole = written(gradient(), "JPEG")
    sound = fuzz.open("picture", whole, "a.jpg").said
    for end in range(0, len(whole), 7):
        report = fuzz.open("picture", whole[:end], "a.jpg")
        assert report.outcome == "refused" or report.said == sound, end


def png_head(width: int, height: int) -> bytes:
    whole = written(Image.new("L", (1, 1)), "PNG")
    head = b"IHDR" + struct.pack(">II", width, height) + whole[24:29]
    return whole[:12] + head + struct.pack(">I", zlib.crc32(head)) + whole[33:]


@pytest.mark.parametrize("side", [8200, 9500, 20_000, 100_000, 2**31 - 1])
def test_a_picture_of_too_many_pixels_is_refused_by_name_before_it_is_decoded(fuzz: Any, side: int) -> None:
    report = fuzz.open("picture", png_head(side, side), "large.jpg")
    assert report.outcome == "refused"
    assert f"large.jpg has more than {MAX_SAMPLES:,} pixels: make it smaller" in report.said
    assert report.seconds < 1


def test_a_chunk_that_claims_gigabytes_gets_no_room_for_them(fuzz: Any) -> None:
    whole = written(gradient(), "PNG")
    at = whole.index(b"IDAT") - 4
    report = fuzz.open("picture", whole[:at] + b"\x7f\xff\xff\xff" + whole[at + 4 :], "a.png")
    assert report.outcome in ("fine", "refused"), report.said


@pytest.mark.soak
@pytest.mark.slow
@pytest.mark.parametrize("mode", ["P", "RGB", "CMYK", "RGBA"])
def test_the_largest_picture_takes_less_than_a_gigabyte(fuzz: Any, mode: str) -> None:
    options = {"transparency": 3} if mode == "P" else {}
    data = written(Image.new(mode, (8192, 8192)), "JPEG" if mode == "CMYK" else "PNG", **options)
    report = fuzz.open("picture", data, "large.jpg")
    assert (report.outcome, report.seconds < 5) == ("fine", True), report.said


def test_a_file_that_is_a_program_is_not_run(fuzz: Any) -> None:
    """Pillow hands EPS to Ghostscript."""
    script = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n(ran) (w) file\nshowpage\n"
    report = fuzz.open("picture", script, "a.jpg")
    assert report.outcome == "refused"
    assert "a.jpg cannot be read as a picture: it is none of JPEG, PNG, BMP" in report.said


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1)])
@pytest.mark.parametrize("resize", ["plain", "letterbox"])
def test_the_smallest_and_thinnest_pictures_fill_the_network(
    tmp_path: Path, size: tuple[int, int], resize: Any
) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", size, (255, 0, 0)).save(path)
    image, _ = fit_picture(read_picture(path), (64, 64), resize)
    assert image.shape == (64, 64, 3)
    assert (image[30:34, 30:34] == [255, 0, 0]).all(axis=-1).any()


def test_training_evaluation_and_encode_see_a_turned_picture_as_it_is_stored(tmp_path: Path) -> None:
    """An EXIF orientation is left alone: see `read_picture`, by which all three read."""
    exif = Image.Exif()
    exif[0x0112] = 6
    (tmp_path / "turned.jpg").write_bytes(written(gradient(), "JPEG", exif=exif))
    (tmp_path / "plain.jpg").write_bytes(written(gradient(), "JPEG"))
    np.testing.assert_array_equal(read_picture(tmp_path / "turned.jpg"), read_picture(tmp_path / "plain.jpg"))
    network, channel = Network.from_cfg(SHAPES).eval(), FeatureChannel("max_5", workers=1)
    system = Collaborative(network, channel)
    with channel.pool:
        turned, plain = (encode_picture(tmp_path / f"{name}.jpg", system, "lossless") for name in ("turned", "plain"))
    assert turned == plain
