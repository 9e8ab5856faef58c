"""The table of docs/decisions/lossless.md: bytes of the lossless codecs on real feature tiles, relative to HM 16.12."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lightning_app.codecs import AVC, JPEGLS, JPEGXL, LZMA, PNG, Codec, Raw
from lightning_app.codecs.base import sample_type


def excess(shared: Path, codec: Codec) -> float:
    """The mean over the tiles of the codec's depth, in percent; every tile comes back exactly."""
    found = []
    for path in sorted((shared / "hm-reference").glob("*.csv")):
        for row in csv.DictReader(path.read_text().splitlines()):
            if row["qp"] == "lossless" and int(row["depth_bits"]) == codec.depth:
                samples = np.asarray(Image.open(path.parent / row["tile"])).astype(sample_type(codec.depth))
                payload = codec.encode(samples, None)
                np.testing.assert_array_equal(codec.decode(payload), samples)
                found.append(100 * len(payload) / int(row["hm_bytes"]) - 100)
    assert len(found) == (8 if codec.depth == 8 else 2)
    return float(np.mean(found))


@pytest.mark.parametrize(
    ("kind", "percent"),
    [
        (Raw, (48.4, 119.4, 71.2)),
        (PNG, (1.7, 23.6, 18.8)),
        (JPEGLS, (0.0, 0.9, -0.1)),
        (JPEGXL, (-7.1, -6.0, -4.5)),
        (LZMA, (-3.9, 2.0, 2.3)),
        (AVC, (3.8, 12.0)),
    ],
)
def test_the_record_says_what_real_tiles_cost(shared: Path, kind: type[Codec], percent: tuple[float, ...]) -> None:
    codecs: list[Codec] = [kind(depth) for depth, _ in zip((8, 10, 12), percent, strict=False)]  # type: ignore[call-arg]
    measured = [excess(shared, codec) for codec in codecs]
    assert measured == pytest.approx(percent, abs=0.5)  # other versions of zlib, liblzma and x264 differ a little
