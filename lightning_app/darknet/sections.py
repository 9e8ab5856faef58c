"""From one section of a ``.cfg`` to its layer and the shape of what that gives.

Source: the ``parse_*`` functions of Darknet's ``src/parser.c``.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from lightning_app.darknet import join_sections, pool_sections
from lightning_app.darknet.cfg import Section
from lightning_app.darknet.layers import Activation, BatchNorm, Convolution, Reorg, Reorg3D, Upsample
from lightning_app.darknet.pooling import Blur
from lightning_app.darknet.section_checks import (
    Builder,
    activation,
    antialiasing,
    check_samples,
    check_weights,
    checked,
    strides,
)
from lightning_app.dropout import Dropout
from lightning_app.graph import Shape


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


def _convolution(section: Section, shapes: Sequence[Shape]) -> tuple[nn.Module, Shape]:
    ((c, n, m),) = shapes
    filters, size = section.positive("filters", 1), section.positive("size", 1)
    steps, kind, groups = strides(section), antialiasing(section), section.positive("groups", 1)
    name = activation(section, "logistic")
    padding = size // 2 if section.flag("pad") else section.natural("padding", 0)
    dilation = section.positive("dilation", 1) if size > 1 else 1
    if dilation > 1 and 2 * padding != size - 1:
        raise section.fault(
            f"dilation={dilation} needs an odd size= and pad=1, as Darknet counts no other rows", "dilation"
        )
    if c % groups or filters % groups:
        raise section.fault(f"groups={groups} must divide its {c} channels and {filters} filters", "groups")
    check_weights(section, filters * (c // groups) * size**2)
    around = padding * dilation
    check_samples(section, (c, n + 2 * around, m + 2 * around))
    normalize = section.flag("batch_normalize") or section.flag("cbn")
    binary, xnor = section.flag("binary"), section.flag("xnor")
    layer = Convolution(c, filters, size, steps, around, groups, normalize, name, dilation, kind, binary, xnor)
    rows, columns = (1, 1) if kind else steps
    shape = (filters, (n + 2 * padding - size) // rows + 1, (m + 2 * padding - size) // columns + 1)
    if kind:
        check_samples(section, checked(section, shape))
        blur = Blur(kind, steps)
        shape = (filters, blur.shape(shape[1], 0), blur.shape(shape[2], 1))
    return layer, checked(section, shape)


def _reorg(section: Section, shapes: Sequence[Shape]) -> tuple[nn.Module, Shape]:
    ((c, n, m),) = shapes
    stride = section.positive("stride", 1)
    if n % stride or m % stride or (section.kind == "reorg" and c % stride**2):
        square = f", and its square {c} channels" if section.kind == "reorg" else ""
        raise section.fault(f"stride={stride} must divide {n} rows and {m} columns{square}", "stride")
    layer = Reorg(stride) if section.kind == "reorg" else Reorg3D(stride)
    return layer, (c * stride**2, n // stride, m // stride)


def _upsample(section: Section, shapes: Sequence[Shape]) -> tuple[nn.Module, Shape]:
    ((c, n, m),) = shapes
    stride = section.positive("stride", 2)
    return Upsample(stride, section.real("scale", 1)), (c, n * stride, m * stride)


def _dropout(section: Section, shapes: Sequence[Shape]) -> tuple[nn.Module, Shape]:
    probability = section.real("probability", 0.2)
    if not 0 <= probability < 1:
        raise section.fault(f"probability must be at least 0 and below 1, not {probability:g}", "probability")
    return Dropout(probability), shapes[0]


def _softmax(section: Section, shapes: Sequence[Shape]) -> tuple[nn.Module, Shape]:
    if section.integer("groups", 1) != 1:
        raise section.fault(f"groups must be 1, not {section.text('groups')}", "groups")
    if shapes[0][1:] != (1, 1):
        raise section.fault(f"takes one row and one column, not {shapes[0][1:]}; put an [avgpool] before it")
    return nn.Softmax(dim=1), shapes[0]


def _identity(section: Section, shapes: Sequence[Shape]) -> tuple[nn.Module, Shape]:  # noqa: ARG001
    return nn.Identity(), shapes[0]


def _batchnorm(section: Section, shapes: Sequence[Shape]) -> tuple[nn.Module, Shape]:  # noqa: ARG001
    return BatchNorm(shapes[0][0]), shapes[0]


def _activation(section: Section, shapes: Sequence[Shape]) -> tuple[nn.Module, Shape]:
    return Activation(activation(section, "linear")), shapes[0]


_BUILDERS: dict[str, Builder] = {
    "convolutional": _convolution,
    "maxpool": pool_sections.maxpool,
    "local_avgpool": pool_sections.local_avgpool,
    "avgpool": pool_sections.avgpool,
    "route": join_sections.route,
    "shortcut": join_sections.shortcut,
    "scale_channels": join_sections.scale_channels,
    "sam": join_sections.sam,
    "reorg": _reorg,
    "reorg3d": _reorg,
    "upsample": _upsample,
    "dropout": _dropout,
    "batchnorm": _batchnorm,
    "activation": _activation,
    "softmax": _softmax,
    "empty": _identity,
    "contrastive": _identity,
    "cost": _identity,
    "region": _identity,
    "yolo": _identity,
    "Gaussian_yolo": _identity,
}
