"""What a person looks at: the picture, feature tiles, the error, and boxes, all small."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from experiments.journey.stages import sure
from lightning_app.codecs.base import Picture
from lightning_app.data import read_picture
from lightning_app.graph import Detections

SIDE = 224
"""Longest side of a photograph, in pixels."""
COLOURS = ("red", "lime", "cyan", "yellow", "magenta", "orange")


def small(file: Path) -> tuple[Image.Image, float]:
    """A photograph at no more than `SIDE` pixels, and by what its sides were multiplied."""
    picture = Image.fromarray(read_picture(file))
    scale = min(1.0, SIDE / max(picture.size))
    return picture.resize(
        (round(picture.width * scale), round(picture.height * scale)), Image.Resampling.LANCZOS
    ), scale


def with_boxes(file: Path, found: Detections, classes: Sequence[str]) -> Image.Image:
    """The small photograph with the sure boxes."""
    picture, scale = small(file)
    draw = ImageDraw.Draw(picture)
    for label, score, edges in sure(found):
        left, top, right, bottom = (round((edge - 1) * scale) for edge in edges)
        colour = COLOURS[label % len(COLOURS)]
        draw.rectangle((left, top, right, bottom), outline=colour, width=2)
        words, place = f"{classes[label]} {score:.2f}", (left + 3, max(top, 0) + 2)
        draw.rectangle(draw.textbbox(place, words), fill="black")
        draw.text(place, words, fill=colour)
    return picture


def samples(picture: Picture) -> Image.Image:
    """Samples of 8 bits as they are: black is the smallest feature, white the largest."""
    return Image.fromarray(picture.astype(np.uint8))


def error(before: Picture, after: Picture) -> Image.Image:
    """What the codec changed: grey is nothing, black and white are 32 steps or more."""
    difference = after.astype(float) - before
    return Image.fromarray(np.clip(128 + 4 * difference, 0, 255).astype(np.uint8))
