"""From the sections of a ``.cfg`` to layers, and what each takes and gives."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from lightning_app.darknet.cfg import Section
from lightning_app.darknet.layers import ACTIVATIONS, Convolution, MaxPool, Region, Reorg, Route
from lightning_app.darknet.region import RegionOptions

HeadOptions = RegionOptions
"""The options of any kind of head."""
Shape = tuple[int, int, int]
"""Channels, rows, columns of a layer's output for one picture of the network's own size."""

IMAGE = -1
"""The index that stands for the input picture."""

SHORT = {"convolutional": "conv", "maxpool": "max"}
"""The paper's names of layers, where they are not Darknet's section names."""


@dataclass(frozen=True)
class Node:
    """One layer in the graph.

    Attributes:
        index: Darknet's number of the layer, from 0.
        name: as in the paper: ``max_7``.
        inputs: indices of the layers that it takes, `IMAGE` for the picture.
        shape: of its output for a picture of the network's own size.
    """

    index: int
    name: str
    inputs: tuple[int, ...]
    shape: Shape


def build(sections: list[Section], seed: int) -> tuple[list[Node], list[nn.Module], dict[int, HeadOptions]]:
    """Nodes, layers, and the options of the heads by the indices of their layers.

    Args:
        sections: of the ``.cfg``, ``[net]`` first.
        seed: of the initial weights.

    Raises:
        CfgError: the sections do not make one network.
    """
    net = sections[0]
    shapes: dict[int, Shape] = {IMAGE: (net.positive("channels", 3), net.positive("height"), net.positive("width"))}
    generator = torch.Generator().manual_seed(seed)
    nodes: list[Node] = []
    layers: list[nn.Module] = []
    heads: dict[int, HeadOptions] = {}
    for index, section in enumerate(sections[1:]):
        inputs = _route_inputs(section, index) if section.kind == "route" else (index - 1,)
        layer, shape = _BUILDERS[section.kind](section, [shapes[i] for i in inputs])
        if isinstance(layer, Convolution):
            layer.reset(generator)
        if section.kind == "region":
            heads[index] = _region_options(section, shape)
        shapes[index] = shape
        nodes.append(Node(index, f"{SHORT.get(section.kind, section.kind)}_{index}", inputs, shape))
        layers.append(layer)
    if list(heads) != [len(nodes) - 1]:
        raise sections[-1].fault("ends the network, which must end with its one [region]")
    return nodes, layers, heads


def _region_options(section: Section, shape: Shape) -> RegionOptions:
    options = RegionOptions.from_section(section)
    if options.channels != shape[0]:
        raise section.fault(
            f"needs {options.channels} channels, num·(coords + 1 + classes), and is given {shape[0]}; "
            f"set filters={options.channels} in the convolution before it"
        )
    return options


def _route_inputs(section: Section, index: int) -> tuple[int, ...]:
    inputs = tuple(layer if layer >= 0 else index + layer for layer in section.integers("layers"))
    for layer in inputs:
        if not 0 <= layer < index:
            raise section.fault(f"layers={section.text('layers')} reaches layer {layer}, which is not before it")
    if not inputs:
        raise section.fault("layers= names no layer")
    return inputs


def _convolution(section: Section, shapes: list[Shape]) -> tuple[nn.Module, Shape]:
    ((c, n, m),) = shapes
    filters, size, stride = (section.positive(key, default) for key, default in _CONVOLUTION_DEFAULTS)
    groups, activation = section.positive("groups", 1), section.text("activation", "logistic")
    padding = size // 2 if section.flag("pad") else section.integer("padding", 0)
    if activation not in ACTIVATIONS:
        raise section.fault(f"activation={activation} is not supported; supported are {', '.join(ACTIVATIONS)}")
    if c % groups or filters % groups:
        raise section.fault(f"groups={groups} must divide its {c} channels and {filters} filters")
    layer = Convolution(c, filters, size, stride, padding, groups, section.flag("batch_normalize"), activation)
    shape = (filters, (n + 2 * padding - size) // stride + 1, (m + 2 * padding - size) // stride + 1)
    return layer, _checked(section, shape)


_CONVOLUTION_DEFAULTS = (("filters", 1), ("size", 1), ("stride", 1))


def _maxpool(section: Section, shapes: list[Shape]) -> tuple[nn.Module, Shape]:
    ((c, n, m),) = shapes
    stride = section.positive("stride", 1)
    size = section.positive("size", stride)
    padding = section.integer("padding", size - 1)
    shape = (c, (n + padding - size) // stride + 1, (m + padding - size) // stride + 1)
    return MaxPool(size, stride, padding), _checked(section, shape)


def _route(section: Section, shapes: list[Shape]) -> tuple[nn.Module, Shape]:
    _, n, m = shapes[0]
    if any(shape[1:] != (n, m) for shape in shapes):
        raise section.fault(f"joins layers of different sizes: {', '.join(str(shape[1:]) for shape in shapes)}")
    return Route(), (sum(c for c, _, _ in shapes), n, m)


def _reorg(section: Section, shapes: list[Shape]) -> tuple[nn.Module, Shape]:
    ((c, n, m),) = shapes
    stride = section.positive("stride", 1)
    if n % stride or m % stride or c % stride**2:
        raise section.fault(f"stride={stride} must divide {n} rows and {m} columns, and its square {c} channels")
    return Reorg(stride), (c * stride**2, n // stride, m // stride)


def _region(section: Section, shapes: list[Shape]) -> tuple[nn.Module, Shape]:  # noqa: ARG001
    return Region(), shapes[0]


def _checked(section: Section, shape: Shape) -> Shape:
    if min(shape) < 1:
        raise section.fault(f"would give {shape[1]} rows and {shape[2]} columns; enlarge the network's input")
    return shape


_BUILDERS = {
    "convolutional": _convolution,
    "maxpool": _maxpool,
    "route": _route,
    "reorg": _reorg,
    "region": _region,
}
