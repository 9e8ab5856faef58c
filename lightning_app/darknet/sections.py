"""From one section of a ``.cfg`` to its layer and the shape of what that gives.

Source: the ``parse_*`` functions of Darknet's ``src/parser.c``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

from torch import nn

from lightning_app.darknet.cfg import Section
from lightning_app.darknet.layers import (
    ACTIVATIONS,
    Convolution,
    MaxPool,
    Reorg,
    Route,
    Shortcut,
    Upsample,
)
from lightning_app.dropout import Dropout
from lightning_app.graph import Shape

MAX_SAMPLES = 1 << 26
"""Most samples of a layer's input, padded, and of its output; yolov2's largest at 608×608 has 12 million."""

MAX_WEIGHTS = 100_000_000
"""Most weights of a network; yolov4 has 64 million."""

Builder = Callable[[Section, Sequence[Shape]], tuple[nn.Module, Shape]]


def build_layer(section: Section, shapes: Sequence[Shape]) -> tuple[nn.Module, Shape]:
    """The layer of a section, and the shape of its output.

    A layer whose output is its one input itself, such as a head, is an `nn.Identity`.

    Args:
        section: any but ``[net]``.
        shapes: of the layer's inputs.

    Raises:
        CfgError: an option is wrong, or the layer cannot take these shapes.
    """
    return _BUILDERS[section.kind](section, shapes)


def check_samples(section: Section, shape: Shape) -> None:
    """Refuse a section whose output, of C channels, N rows and M columns, would be larger than any real network's."""
    if prod(shape) > MAX_SAMPLES:
        c, n, m = shape
        raise section.fault(f"would make {c}×{n}×{m} samples, more than {MAX_SAMPLES:,}; make it or the input smaller")


def check_weights(section: Section, count: int) -> None:
    """Refuse a section that brings a network's weights to a count that no real network has."""
    if count > MAX_WEIGHTS:
        raise section.fault(f"brings the network to {count:,} weights, more than {MAX_WEIGHTS:,}; set fewer filters")


def _convolution(section: Section, shapes: Sequence[Shape]) -> tuple[nn.Module, Shape]:
    ((c, n, m),) = shapes
    filters, size, stride = (section.positive(key, 1) for key in ("filters", "size", "stride"))
    groups, activation = section.positive("groups", 1), _activation(section, "logistic")
    padding = size // 2 if section.flag("pad") else section.natural("padding", 0)
    if c % groups or filters % groups:
        raise section.fault(f"groups={groups} must divide its {c} channels and {filters} filters")
    check_weights(section, filters * (c // groups) * size**2)
    check_samples(section, (c, n + 2 * padding, m + 2 * padding))
    layer = Convolution(c, filters, size, stride, padding, groups, section.flag("batch_normalize"), activation)
    shape = (filters, (n + 2 * padding - size) // stride + 1, (m + 2 * padding - size) // stride + 1)
    return layer, _checked(section, shape)


def _activation(section: Section, default: str) -> str:
    name = section.text("activation", default)
    if name not in ACTIVATIONS:
        raise section.fault(f"activation={name} is not supported; supported are {', '.join(ACTIVATIONS)}", "activation")
    return name


def _maxpool(section: Section, shapes: Sequence[Shape]) -> tuple[nn.Module, Shape]:
    ((c, n, m),) = shapes
    stride = section.positive("stride", 1)
    size = section.positive("size", stride)
    padding = section.natural("padding", size - 1)
    check_samples(section, (c, n + padding, m + padding))
    shape = (c, (n + padding - size) // stride + 1, (m + padding - size) // stride + 1)
    return MaxPool(size, stride, padding), _checked(section, shape)


def _route(section: Section, shapes: Sequence[Shape]) -> tuple[nn.Module, Shape]:
    _, n, m = shapes[0]
    groups, group = section.positive("groups", 1), section.natural("group_id", 0)
    if any(shape[1:] != (n, m) for shape in shapes):
        raise section.fault(f"joins layers of different sizes: {', '.join(str(shape[1:]) for shape in shapes)}")
    if group >= groups:
        raise section.fault(f"group_id={group} must be below groups={groups}")
    if any(c % groups for c, _, _ in shapes):
        raise section.fault(f"groups={groups} must divide the channels of its inputs")
    layer = nn.Identity() if len(shapes) == groups == 1 else Route(groups, group)
    return layer, (sum(c for c, _, _ in shapes) // groups, n, m)


def _shortcut(section: Section, shapes: Sequence[Shape]) -> tuple[nn.Module, Shape]:
    if len({shape[1:] for shape in shapes}) > 1:
        raise section.fault(f"adds layers of different sizes: {', '.join(map(str, shapes))}")
    return Shortcut(_activation(section, "linear")), shapes[0]


def _reorg(section: Section, shapes: Sequence[Shape]) -> tuple[nn.Module, Shape]:
    ((c, n, m),) = shapes
    stride = section.positive("stride", 1)
    if n % stride or m % stride or c % stride**2:
        raise section.fault(f"stride={stride} must divide {n} rows and {m} columns, and its square {c} channels")
    return Reorg(stride), (c * stride**2, n // stride, m // stride)


def _upsample(section: Section, shapes: Sequence[Shape]) -> tuple[nn.Module, Shape]:
    ((c, n, m),) = shapes
    stride = section.positive("stride", 2)
    return Upsample(stride, section.real("scale", 1)), (c, n * stride, m * stride)


def _dropout(section: Section, shapes: Sequence[Shape]) -> tuple[nn.Module, Shape]:
    probability = section.real("probability", 0.2)
    if not 0 <= probability < 1:
        raise section.fault(f"probability must be at least 0 and below 1, not {probability:g}")
    return Dropout(probability), shapes[0]


def _avgpool(section: Section, shapes: Sequence[Shape]) -> tuple[nn.Module, Shape]:  # noqa: ARG001
    return nn.AdaptiveAvgPool2d(1), (shapes[0][0], 1, 1)


def _softmax(section: Section, shapes: Sequence[Shape]) -> tuple[nn.Module, Shape]:
    if section.integer("groups", 1) != 1:
        raise section.fault(f"groups must be 1, not {section.text('groups')}")
    if shapes[0][1:] != (1, 1):
        raise section.fault(f"takes one row and one column, not {shapes[0][1:]}; put an [avgpool] before it")
    return nn.Softmax(dim=1), shapes[0]


def _identity(section: Section, shapes: Sequence[Shape]) -> tuple[nn.Module, Shape]:  # noqa: ARG001
    return nn.Identity(), shapes[0]


def _checked(section: Section, shape: Shape) -> Shape:
    if min(shape) < 1:
        raise section.fault(f"would give {shape[1]} rows and {shape[2]} columns; enlarge the network's input")
    return shape


_BUILDERS: dict[str, Builder] = {
    "convolutional": _convolution,
    "maxpool": _maxpool,
    "route": _route,
    "shortcut": _shortcut,
    "reorg": _reorg,
    "upsample": _upsample,
    "dropout": _dropout,
    "avgpool": _avgpool,
    "softmax": _softmax,
    "cost": _identity,
    "region": _identity,
    "yolo": _identity,
}
