"""From the sections that join layers to their modules: ``[route]``, ``[shortcut]``, ``[scale_channels]``, ``[sam]``."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from lightning_app.darknet.activations import OF_CHANNELS
from lightning_app.darknet.cfg import Section
from lightning_app.darknet.gates import Gate
from lightning_app.darknet.layers import Route, Shortcut, WeightedShortcut
from lightning_app.darknet.section_checks import activation
from lightning_app.graph import Shape

WEIGHTS_TYPES = {"none": None, "per_feature": False, "per_layer": False, "per_channel": True}
"""``weights_type=`` of ``[shortcut]``: whether each channel has a weight of its own; None for no weights."""

NORMALIZATIONS = {"none": "none", "relu": "relu", "avg_relu": "relu", "softmax": "softmax"}
"""``weights_normalization=`` of ``[shortcut]``."""

WITHOUT_GATE = frozenset({"swish", "mish", "hard_mish"}) | OF_CHANNELS
"""Activations that Darknet does not have behind a product."""


def route(section: Section, shapes: Sequence[Shape]) -> tuple[nn.Module, Shape]:
    """``parse_route``."""
    _, n, m = shapes[0]
    groups, group = section.positive("groups", 1), section.natural("group_id", 0)
    if any(shape[1:] != (n, m) for shape in shapes):
        raise section.fault(f"joins layers of different sizes: {', '.join(str(shape[1:]) for shape in shapes)}")
    if group >= groups:
        raise section.fault(f"group_id={group} must be below groups={groups}", "group_id")
    if any(c % groups for c, _, _ in shapes):
        raise section.fault(f"groups={groups} must divide the channels of its inputs", "groups")
    layer = nn.Identity() if len(shapes) == groups == 1 else Route(groups, group)
    return layer, (sum(c for c, _, _ in shapes) // groups, n, m)


def shortcut(section: Section, shapes: Sequence[Shape]) -> tuple[nn.Module, Shape]:
    """``parse_shortcut``."""
    if len({shape[1:] for shape in shapes}) > 1:
        raise section.fault(f"adds layers of different sizes: {', '.join(map(str, shapes))}")
    name = activation(section, "linear")
    per_channel = WEIGHTS_TYPES[_one_of(section, "weights_type", "none", WEIGHTS_TYPES)]
    if per_channel is None:
        return Shortcut(name), shapes[0]
    normalization = NORMALIZATIONS[_one_of(section, "weights_normalization", "none", NORMALIZATIONS)]
    return WeightedShortcut(name, len(shapes), shapes[0][0] if per_channel else None, normalization), shapes[0]


def _one_of(section: Section, key: str, default: str, choices: dict[str, bool | None] | dict[str, str]) -> str:
    value = section.text(key, default)
    if value not in choices:
        raise section.fault(f"{key}={value} is not supported; supported are {', '.join(choices)}", key)
    return value


def scale_channels(section: Section, shapes: Sequence[Shape]) -> tuple[nn.Module, Shape]:
    """``parse_scale_channels``."""
    before, other = shapes
    c, n, m = other
    fits, why = ((1, n, m), "one channel") if section.flag("scale_wh") else ((c, 1, 1), "one row and one column")
    if before != fits:
        raise section.fault(
            f"scales a layer of {_words(other)} by one of {_words(before)}, which must have {why}: {_words(fits)}"
        )
    return Gate(_behind_a_product(section)), other


def sam(section: Section, shapes: Sequence[Shape]) -> tuple[nn.Module, Shape]:
    """``parse_sam``."""
    before, other = shapes
    if before != other:
        raise section.fault(f"multiplies layers of different shapes: {_words(before)} and {_words(other)}")
    return Gate(_behind_a_product(section)), other


def _behind_a_product(section: Section) -> str:
    name = activation(section, "linear")
    if name in WITHOUT_GATE:
        raise section.fault(
            f"activation={name} is none that Darknet has here; take linear, leaky, relu or logistic", "activation"
        )
    return name


def _words(shape: Shape) -> str:
    return "×".join(map(str, shape))
