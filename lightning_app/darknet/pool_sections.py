"""From ``[maxpool]``, ``[local_avgpool]`` and ``[avgpool]`` to their layers."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from lightning_app.darknet.cfg import Section
from lightning_app.darknet.max_pool import Pair
from lightning_app.darknet.pooling import Blur, DepthPool, LocalAveragePool, MaxPool
from lightning_app.darknet.section_checks import antialiasing, check_samples, checked, strides
from lightning_app.graph import Shape


def maxpool(section: Section, shapes: Sequence[Shape]) -> tuple[nn.Module, Shape]:
    """``parse_maxpool``."""
    ((c, n, m),) = shapes
    if section.flag("maxpool_depth"):
        channels = section.positive("out_channels", 1)
        if channels > c:
            raise section.fault(f"out_channels={channels} is more than its {c} channels", "out_channels")
        return DepthPool(channels), (channels, n, m)
    steps, kind = strides(section), antialiasing(section)
    size, padding, shape = _windows(section, shapes[0], (1, 1) if kind else steps)
    if not kind:
        return MaxPool(size, steps, padding), shape
    blur = Blur(kind, steps)
    shape = checked(section, (c, blur.shape(shape[1], 0), blur.shape(shape[2], 1)))
    return nn.Sequential(MaxPool(size, 1, padding), blur), shape


def local_avgpool(section: Section, shapes: Sequence[Shape]) -> tuple[nn.Module, Shape]:
    """``parse_local_avgpool``."""
    steps = strides(section)
    size, padding, shape = _windows(section, shapes[0], steps)
    if padding >= 2 * size:
        raise section.fault(f"padding must be below twice size={size}: a window would have nothing in it", "padding")
    return LocalAveragePool(size, steps, padding), shape


def _windows(section: Section, given: Shape, steps: Pair) -> tuple[int, int, Shape]:
    """Side of a window, padding, and the shape of the output. Without ``size=`` a window is as long as ``stride=``."""
    c, n, m = given
    size = section.positive("size", section.positive("stride", 1))
    padding = section.natural("padding", size - 1)
    check_samples(section, (c, n + padding, m + padding))
    shape = (c, (n + padding - size) // steps[0] + 1, (m + padding - size) // steps[1] + 1)
    return size, padding, checked(section, shape)


def avgpool(section: Section, shapes: Sequence[Shape]) -> tuple[nn.Module, Shape]:  # noqa: ARG001
    """``parse_avgpool``: the mean of each channel."""
    return nn.AdaptiveAvgPool2d(1), (shapes[0][0], 1, 1)
