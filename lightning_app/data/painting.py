"""Paints one picture of shapes and says where they are."""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

# Three classes share one outline: what tells them apart is fine detail, the first thing that a coarse QP takes away.
SHAPES = ("circle", "columns", "rows", "star", "triangle")
SUPERSAMPLING = 4  # edges are drawn this much larger and averaged
TRIES = 30

Floats = NDArray[np.float64]


class Disc(NamedTuple):
    """The circle around a shape, in pixels."""

    x: float
    y: float
    radius: float

    def covers(self, other: "Disc") -> float:
        """The part of the other's width that this one hides, roughly, in [0, 1]."""
        gap = math.hypot(self.x - other.x, self.y - other.y)
        return min(max((self.radius + other.radius - gap) / (2 * other.radius), 0), 1)


@dataclass(frozen=True)
class Shape:
    """One object: its class, its box in VOC's pixels (xmin, ymin, xmax, ymax), and VOC's mark."""

    name: str
    box: tuple[int, int, int, int]
    difficult: bool


def paint(rng: np.random.Generator, side: int) -> tuple[Image.Image, list[Shape]]:
    """A square picture of ``side`` pixels with one to four shapes, and now and then a difficult one beside them."""
    canvas: Any = _background(rng, side)  # (side, side, 3) in 0 … 255
    shapes = []
    for disc, difficult in _arrange(rng, side):
        name = SHAPES[rng.integers(len(SHAPES))]
        mask = _mask(rng, name, disc, side)  # (side, side) in [0, 1]
        canvas += mask[..., None] * (_fill(rng, name, disc, canvas) - canvas)
        shapes.append(Shape(name, _extent(mask), difficult))
    canvas += rng.normal(0, 4, canvas.shape)  # a sensor's noise
    return Image.fromarray(np.rint(canvas).clip(0, 255).astype(np.uint8)), shapes


def _arrange(rng: np.random.Generator, side: int) -> list[tuple[Disc, bool]]:
    """Discs in the order of painting, and which are difficult."""
    plain: list[Disc] = []
    for _ in range(rng.integers(1, 5)):
        disc = _try_place(rng, side, (0.11, 0.23), plain)
        if disc:
            plain.append(disc)
    arranged = [(disc, False) for disc in plain]
    chance = rng.random()
    if chance < 0.08:  # nearly hidden: painted first, so that the first of the others lies on it
        front, angle = plain[0], rng.uniform(0, 2 * np.pi)
        shift = 0.7 * front.radius
        arranged.insert(0, (_inside(front, shift * math.cos(angle), shift * math.sin(angle), side), True))
    elif chance < 0.16:
        tiny = _try_place(rng, side, (0.025, 0.035), plain)
        if tiny:
            arranged.append((tiny, True))
    return arranged


def _try_place(rng: np.random.Generator, side: int, radii: tuple[float, float], others: list[Disc]) -> Disc | None:
    """A disc that hides little of the others, if one is found."""
    for _ in range(TRIES):
        radius = rng.uniform(*radii) * side
        x, y = rng.uniform(radius + 1, side - radius - 1, 2)
        disc = Disc(x, y, radius)
        if all(max(disc.covers(other), other.covers(disc)) < 0.12 for other in others):
            return disc
    return None


def _inside(disc: Disc, dx: float, dy: float, side: int) -> Disc:
    low, high = disc.radius + 1, side - disc.radius - 1
    return Disc(min(max(disc.x + dx, low), high), min(max(disc.y + dy, low), high), 0.85 * disc.radius)


def _background(rng: np.random.Generator, side: int) -> Floats:
    """Clouds of two colours in three octaves, (side, side, 3) in 0 … 255."""
    weight = np.zeros((side, side))
    for cells, share in ((3, 0.5), (9, 0.3), (27, 0.2)):
        weight += share * _clouds(rng, cells, side)
    first, second = rng.uniform(20, 235, (2, 3))
    return np.asarray(first + weight[..., None] * (second - first))


def _clouds(rng: np.random.Generator, cells: int, side: int) -> Floats:
    coarse = Image.fromarray(rng.random((cells, cells)).astype(np.float32))
    return np.asarray(coarse.resize((side, side), Image.Resampling.BICUBIC), np.float64)


def _fill(rng: np.random.Generator, name: str, disc: Disc, canvas: Floats) -> Floats:
    """What a shape is made of, (side, side, 3): a shaded colour apart from what lies behind it, striped or not."""
    behind = canvas[int(disc.y), int(disc.x)]
    colour = _contrast(rng, behind)
    y, x = np.mgrid[: len(canvas), : len(canvas)].astype(np.float64)
    shade = 1 + 0.15 * ((x - disc.x) * rng.uniform(-1, 1) + (y - disc.y) * rng.uniform(-1, 1)) / disc.radius
    if name in ("rows", "columns"):
        along, period = (y if name == "rows" else x), max(4.0, disc.radius / 3)
        shade *= 1 - 0.45 * (np.sin(2 * np.pi * along / period + rng.uniform(0, 2 * np.pi)) > 0)
    return np.asarray(colour * shade[..., None])


def _contrast(rng: np.random.Generator, behind: Floats) -> Floats:
    for _ in range(TRIES):
        colour = rng.uniform(40, 255, 3)
        if np.abs(colour - behind).max() > 90:
            break
    return colour


def _mask(rng: np.random.Generator, name: str, disc: Disc, side: int) -> Floats:
    """How much of each pixel the outline covers, (side, side) in [0, 1]."""
    large = Image.new("L", (side * SUPERSAMPLING, side * SUPERSAMPLING))
    pen = ImageDraw.Draw(large)
    x, y, radius = (SUPERSAMPLING * value for value in disc)
    turn = rng.uniform(0, 2 * np.pi)
    if name == "star":
        pen.polygon(_polygon(x, y, (radius, 0.45 * radius), 10, turn), fill=255)
    elif name == "triangle":
        pen.polygon(_polygon(x, y, (radius,), 3, turn), fill=255)
    else:
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return np.asarray(large.reduce(SUPERSAMPLING), np.float64) / 255


def _polygon(x: float, y: float, radii: tuple[float, ...], corners: int, turn: float) -> list[tuple[float, float]]:
    angles = turn + 2 * np.pi * np.arange(corners) / corners
    lengths = np.resize(radii, corners)
    return [(float(x + r * np.cos(a)), float(y + r * np.sin(a))) for r, a in zip(lengths, angles, strict=True)]


def _extent(mask: Floats) -> tuple[int, int, int, int]:
    """The pixels that a mask covers by half, as a VOC box: from 1, both edges included."""
    rows, columns = np.flatnonzero(mask.max(1) > 0.5), np.flatnonzero(mask.max(0) > 0.5)
    return int(columns[0]) + 1, int(rows[0]) + 1, int(columns[-1]) + 1, int(rows[-1]) + 1
