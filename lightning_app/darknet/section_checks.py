"""What the builders of all sections ask: limits of size, activations and strides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

from torch import nn

from lightning_app.darknet.activations import ACTIVATIONS
from lightning_app.darknet.cfg import Section
from lightning_app.darknet.max_pool import Pair
from lightning_app.darknet.vocabulary import REFUSED_ACTIVATIONS, supported_activations
from lightning_app.graph import Shape

MAX_SAMPLES = 1 << 26
"""Most samples of a layer's input, padded, and of its output; yolov2's largest at 608×608 has 12 million."""

MAX_WEIGHTS = 150_000_000
"""Most weights of a network; yolov4 has 64 million, yolov4-p6 127 million."""

Builder = Callable[[Section, Sequence[Shape]], tuple[nn.Module, Shape]]


def check_samples(section: Section, shape: Shape) -> None:
    """Refuse a section whose output, of C channels, N rows and M columns, would be larger than any real network's."""
    if prod(shape) > MAX_SAMPLES:
        c, n, m = shape
        raise section.fault(f"would make {c}×{n}×{m} samples, more than {MAX_SAMPLES:,}; make it or the input smaller")


def check_weights(section: Section, count: int) -> None:
    """Refuse a section that brings a network's weights to a count that no real network has."""
    if count > MAX_WEIGHTS:
        raise section.fault(f"brings the network to {count:,} weights, more than {MAX_WEIGHTS:,}; set fewer filters")


def checked(section: Section, shape: Shape) -> Shape:
    """The shape, if it has rows and columns."""
    if min(shape) < 1:
        raise section.fault(f"would give {shape[1]} rows and {shape[2]} columns; enlarge the network's input")
    return shape


def activation(section: Section, default: str) -> str:
    """The name of the section's activation."""
    name = section.text("activation", default)
    if name in REFUSED_ACTIVATIONS:
        raise section.fault(f"activation={name} is not supported: {REFUSED_ACTIVATIONS[name]}", "activation")
    if name not in ACTIVATIONS:
        raise section.fault(
            f"activation={name} is not supported; supported are {supported_activations()}", "activation"
        )
    return name


def strides(section: Section) -> Pair:
    """Steps down the rows and along the columns: ``stride_y`` and ``stride_x``, which are ``stride`` if not given."""
    stride = section.positive("stride", 1)
    return section.positive("stride_y", stride), section.positive("stride_x", stride)


def antialiasing(section: Section) -> int:
    """0, or the kind of blur."""
    kind = section.natural("antialiasing", 0)
    if kind > 2:
        raise section.fault(f"antialiasing must be 0, 1 or 2, not {kind}", "antialiasing")
    return kind
