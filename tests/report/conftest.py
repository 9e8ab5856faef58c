"""Two sets of weights as an evaluation leaves them: the real rates and accuracies of YOLO-LITE, rounded."""

from dataclasses import replace
from io import BytesIO

import pytest
from PIL import Image

from lightning_app.records.differences import Difference
from lightning_app.records.examples import Box, Example, Examples, Shown, Tiles
from lightning_app.records.points import Point

CLOUD = Point(
    *("cloud-only", "yolo-lite.cfg", "trial3.weights", "", "", "HEVC420", "", "22"),
    357,
    0,
    0,
    0,
    0,
    0,
    commit="4c77b4b",
)
FEATURE = replace(CLOUD, system="feature", layout="tiled", codec="HEVC", depth="8")
QPS = ("lossless", "22", "27", "32", "37", "42", "47")
PICTURES = ((301.8, 0.378), (183.6, 0.380), (104.5, 0.372), (53.3, 0.345), (25.0, 0.27), (11.0, 0.15))
FEATURES = {
    "max_7": ((162.4, 0.3795), (76.1, 0.3836), (56.1, 0.3811), (37.3, 0.3762), (20.2, 0.3574), (8, 0.25), (3, 0.08)),
    "max_5": ((296, 0.38), (129, 0.378), (91, 0.376), (55, 0.365), (26, 0.31), (9, 0.16), (2.5, 0.03)),
    "max_9": ((60, 0.38), (34, 0.379), (26, 0.378), (18.5, 0.374), (11.4, 0.355), (5, 0.30), (2.1, 0.13)),
}
GAINS = (0.001, 0.002, 0.004, 0.009, 0.022, 0.06, 0.08)


def measured(point: Point, kbpi: float, fraction: float, spread: float = 0.25) -> Point:
    """A point with all that an evaluation adds to it."""
    return replace(
        point,
        kbpi=kbpi,
        kbpi_std=spread * kbpi,
        map=fraction,
        map_area=fraction - 0.006,
        map_std=0.0115,
        map_low=fraction - 0.022,
        map_high=fraction + 0.023,
        loss=4.0 - fraction,
    )


def cloud_only() -> list[Point]:
    """Pictures by HEVC, and the original files."""
    coded = [measured(replace(CLOUD, qp=qp), *at) for qp, at in zip(QPS[1:], PICTURES, strict=True)]
    return [*coded, measured(replace(CLOUD, codec="original", qp="original"), 710.28, 0.3811)]


def features(gains: tuple[float, ...] = (0.0,) * 7) -> list[Point]:
    """Three splits at seven QPs."""
    return [
        measured(replace(FEATURE, split=split, qp=qp), kbpi, fraction + gain)
        for split, ways in FEATURES.items()
        for qp, (kbpi, fraction), gain in zip(QPS, ways, gains, strict=True)
    ]


def deeper() -> list[Point]:
    """The lossless points at 10 and 12 bits."""
    return [
        measured(replace(FEATURE, split=split, qp="lossless", depth=bits), factor * ways[0][0], ways[0][1] + gain)
        for split, ways in FEATURES.items()
        for bits, factor, gain in (("10", 1.4, 0.0006), ("12", 1.9, 0.0004))
    ]


def difference(split: str, weights: str, cubic: float | None, pchip: float, gain: float, note: str = "") -> Difference:
    """A row of bd.csv."""
    interval = (pchip, pchip - 3.2, pchip + 4.1, gain, gain - 0.004, gain + 0.005)
    return Difference(f"{split} tiled 8-bit HEVC", split, weights, "cloud-only HEVC420", cubic, *interval, note=note)


NOTE = "The cubic through these points is not monotone, so its integral means nothing."
Named = dict[str, tuple[list[Point], list[Difference]]]


@pytest.fixture(scope="session")
def systems() -> Named:
    """Default and retrained weights, as two folders of ``dfc evaluate`` hold them."""
    default = [
        difference("max_7", "trial3.weights", -58.214, -57.9, 0.0412),
        difference("max_5", "trial3.weights", None, -38.1, 0.0203, NOTE),
        difference("max_9", "trial3.weights", -81.37, -80.02, 0.0891),
    ]
    retrained = [
        difference("max_7", "last.ckpt", -66.05, -65.8, 0.0501),
        difference("max_9", "last.ckpt", None, -84.4, 0.0931, NOTE),
    ]
    return {
        "default": ([*features(), *deeper(), *cloud_only()], default),
        "retrained": ([replace(point, weights="last.ckpt") for point in features(GAINS)], retrained),
    }


def jpeg(colour: str, side: int = 40) -> bytes:
    """A picture of one colour."""
    data = BytesIO()
    Image.new("RGB", (side, 2 * side), colour).save(data, "JPEG")
    return data.getvalue()


@pytest.fixture(scope="session")
def examples() -> Examples:
    """Two pictures at two QPs of one cut and at one QP of the cloud-only way, and the features of the first."""
    curve, dog = "max_5 tiled 8-bit HEVC", Box((10.0, 20.0, 300.0, 400.0), "dog", 0.75)
    cat = Box((1.0, 1.0, 30.0, 40.0), "cat", 0.5)
    shown = [
        Shown("cloud-only original", "original", 640_000, [dog, cat]),
        Shown(curve, "22", 120_400, [dog]),
        Shown(curve, "42", 8_800, []),
        Shown("cloud-only HEVC420", "42", 15_000, [dog], jpeg("gold")),
    ]
    truths = [Box((1.0, 1.0, 353.0, 500.0), "dog")]
    pictures = [
        Example(f"VOC2007/00000{i}", i, 353, 500, jpeg(colour), truths, shown)
        for i, colour in enumerate(("teal", "tomato"))
    ]
    tiles = Tiles("VOC2007/000000", curve, "max_5", jpeg("grey"), {"22": jpeg("silver"), "42": jpeg("black")})
    return Examples(pictures, [tiles])
