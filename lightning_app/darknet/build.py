"""From the sections of a ``.cfg`` to a graph of layers."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from lightning_app.darknet.cfg import Section
from lightning_app.darknet.layers import Convolution
from lightning_app.darknet.region import RegionOptions
from lightning_app.darknet.section_checks import check_samples, check_weights
from lightning_app.darknet.sections import build_layer
from lightning_app.darknet.yolo import GaussianOptions, YoloOptions
from lightning_app.graph import IMAGE, Node, Shape

HeadOptions = RegionOptions | YoloOptions
"""The options of any kind of head."""

SHORT = {"convolutional": "conv", "maxpool": "max"}
"""The paper's names of layers, where they are not Darknet's section names."""

HEADS = ("region", "yolo", "Gaussian_yolo")
"""The sections that are heads."""

CONTRASTIVE = "contrastive"
"""The section of a loss that only Darknet's training has. It gives nothing that another layer could take."""


def build(sections: list[Section], seed: int) -> tuple[list[Node], list[nn.Module], dict[int, HeadOptions]]:
    """Nodes, layers, and the options of the heads by the indices of their layers; a classifier has no heads.

    Args:
        sections: of the ``.cfg``, ``[net]`` first.
        seed: of the initial weights.

    Raises:
        CfgError: the sections do not make one network.
    """
    net, *rest = sections
    image = (net.positive("channels", 3), net.positive("height"), net.positive("width"))
    check_samples(net, image)
    generator = torch.Generator().manual_seed(seed)
    nodes: list[Node] = []
    layers: list[nn.Module] = []
    heads: dict[int, HeadOptions] = {}
    weights = 0
    for index, (section, inputs) in enumerate(zip(rest, _inputs(rest), strict=True)):
        given = [image if i == IMAGE else nodes[i].shape for i in inputs]
        layer, shape = build_layer(section, given)
        check_samples(section, shape)
        weights += sum(tensor.numel() for tensor in layer.parameters())
        check_weights(section, weights)
        if isinstance(layer, Convolution):
            layer.reset(generator)
            _share(section, index, layer, layers)
        if section.kind in HEADS:
            heads[index] = _head_options(section, shape, image)
            _check_classes(section, [head.classes for head in heads.values()])
        name = f"{SHORT.get(section.kind, section.kind)}_{index}"
        nodes.append(Node(index, name, inputs, shape, isinstance(layer, nn.Identity)))
        layers.append(layer)
    _check_end(sections)
    return nodes, layers, heads


def _share(section: Section, index: int, layer: Convolution, earlier: Sequence[nn.Module]) -> None:
    """Give a convolution the weights of the earlier one that ``share_index`` names, if it names any."""
    if "share_index" not in section.options:
        return
    named, *_ = _before(section, "share_index", index)
    other = earlier[named]
    if not isinstance(other, Convolution):
        raise section.fault(f"share_index names layer {named}, which is no [convolutional]", "share_index")
    shapes = [[tuple(tensor.shape) for tensor in each.state_dict().values()] for each in (layer, other)]
    if shapes[0] != shapes[1]:
        raise section.fault(f"share_index names layer {named}, whose weights have other shapes", "share_index")
    layer.share(other)


def _inputs(sections: Sequence[Section]) -> list[tuple[int, ...]]:
    """By layer, the indices of those that it takes.

    Darknet's ``[dropout]`` works in place: what takes the layer before it takes what it left.
    """
    holds = {IMAGE: IMAGE}
    inputs: list[tuple[int, ...]] = []
    for index, section in enumerate(sections):
        named = _named(section, index)
        for layer in named:
            if layer != IMAGE and sections[layer].kind in HEADS:
                raise section.fault(f"takes the output of layer {layer}, a head; [route] to an earlier layer before it")
            if layer != IMAGE and sections[layer].kind == CONTRASTIVE:
                raise section.fault(f"takes the output of layer {layer}, a loss; [route] to an earlier layer before it")
        inputs.append(tuple(holds[layer] for layer in named))
        if section.kind == "dropout":
            holds |= {layer: index for layer, held in holds.items() if held == inputs[index][0]}
        holds[index] = index
    return inputs


def _named(section: Section, index: int) -> tuple[int, ...]:
    """Indices of the layers that a section names, or of the one before it."""
    if section.kind == "route":
        return _before(section, "layers", index)
    if section.kind in ("shortcut", "scale_channels", "sam"):
        named = _before(section, "from", index)
        return (index - 1, *(named if section.kind == "shortcut" else named[:1]))
    return (index - 1,)


def _before(section: Section, key: str, index: int) -> tuple[int, ...]:
    """Negative numbers count back from the section."""
    layers = tuple(layer if layer >= 0 else index + layer for layer in section.integers(key))
    for layer in layers:
        if not 0 <= layer < index:
            raise section.fault(f"{key}={section.text(key)} reaches layer {layer}, which is not before it", key)
    if not layers:
        raise section.fault(f"{key}= names no layer", key)
    return layers


def _head_options(section: Section, shape: Shape, image: Shape) -> HeadOptions:
    options: HeadOptions
    if section.kind == "region":
        options, numbers = RegionOptions.from_section(section), "anchors·(coords + 1 + classes)"
    elif section.kind == "yolo":
        options, numbers = YoloOptions.from_section(section, _stride(shape, image)), "anchors·(coords + 1 + classes)"
    else:
        options, numbers = GaussianOptions.from_section(section, _stride(shape, image)), "anchors·(8 + 1 + classes)"
    if options.channels != shape[0]:
        raise section.fault(
            f"needs {options.channels} channels, {numbers}, and is given {shape[0]}; "
            f"set filters={options.channels} in the convolution before it"
        )
    return options


def _stride(shape: Shape, image: Shape) -> tuple[float, float]:
    """Width and height of a cell in pixels, which need not be whole: 416 pixels and six halvings make 7 cells."""
    (_, n, m), (_, height, width) = shape, image
    return width / m, height / n


def _check_classes(section: Section, classes: Sequence[int]) -> None:
    if classes[-1] != classes[0]:
        raise section.fault(
            f"has {classes[-1]} classes and an earlier head {classes[0]}; give all heads the same classes="
        )


def _check_end(sections: Sequence[Section]) -> None:
    kinds = [section.kind for section in sections]
    while kinds[-1] == CONTRASTIVE:  # the layers of the loss, which no head depends on
        kinds.pop()
        while kinds[-1] == "route":
            kinds.pop()
    detector = kinds[-1] in HEADS
    classifier = kinds[-1] == "softmax" or kinds[-2:] == ["softmax", "cost"]
    classifier = classifier and not set(HEADS) & set(kinds)
    if not detector and not classifier:
        raise sections[-1].fault(
            "ends the network, which must end with a head, [region], [yolo] or [Gaussian_yolo], or with [softmax] and "
            "have none"
        )
