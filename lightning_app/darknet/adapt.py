"""A network's ``.cfg`` for other classes: its heads and the convolutions before them are changed, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from lightning_app.darknet.build import HEADS
from lightning_app.darknet.cfg import Section
from lightning_app.darknet.network import Network
from lightning_app.darknet.yolo import YoloOptions
from lightning_app.errors import CfgError
from lightning_app.text_lines import split_lines

Options = dict[str, str | None]
"""By their keys; None stands for a line that goes."""
Sizes = Sequence[tuple[float, float]]
FindAnchors = Callable[[int, tuple[int, int]], Sizes]
"""How many anchors, and columns and rows of the unit that the network counts in -> width and height of each."""


def head_convolutions(network: Network) -> list[int]:
    """Indices of the convolutions that make the raw outputs of the heads.

    Raises:
        CfgError: the network is a classifier, or what stands before a head is no convolution.
    """
    if not network.heads:
        raise CfgError(f"{network.sections[0].file} is no detector: it has no [region] or [yolo]; give one that has")
    layers = network.sections[1:]
    for index in network.outputs:
        if index == 0 or layers[index - 1].kind != "convolutional":
            raise layers[index].fault("is not behind a [convolutional], whose filters= would be set; put one before it")
    return [index - 1 for index in network.outputs]


def adapted_cfg(network: Network, classes: int, find: FindAnchors | None = None) -> bytes:
    """The ``.cfg`` of a network with other classes: ``classes=``, ``filters=`` and, if they are found, ``anchors=``.

    A tree of classes goes. Comments and all other lines stay.

    Args:
        network: that was read from a file.
        classes: how many the new one is to tell apart, at least 1.
        find: the anchors; None keeps those of the network.

    Raises:
        CfgError: the network is no detector, or its heads count their anchors differently.
    """
    convolutions = head_convolutions(network)
    layers = network.sections[1:]
    anchors = None if find is None else _anchors(network, find)
    changes: dict[int, Options] = {}
    for head, convolution, options in zip(network.outputs, convolutions, network.heads, strict=True):
        changes[layers[convolution].line] = {"filters": str(len(options.anchors) * (5 + classes))}
        changes[layers[head].line] = {"classes": str(classes), "tree": None, "map": None}
        if anchors is not None:
            changes[layers[head].line]["anchors"] = anchors
    return _rewritten(network.sections, changes)


def _anchors(network: Network, find: FindAnchors) -> str:
    """The option's text: in cells for a ``[region]``, in pixels of the input for ``[yolo]`` heads, which share them."""
    heads = [section for section in network.sections if section.kind in HEADS]
    counts = {section.positive("num", 1) for section in heads}
    if len(counts) > 1:
        raise heads[-1].fault(f"num= differs between the heads, {sorted(counts)}: give all heads one num=", "num")
    if isinstance(network.heads[0], YoloOptions):
        unit = (network.size[1], network.size[0])
    else:
        _, rows, columns = network.nodes[network.outputs[0]].shape
        unit = (columns, rows)
    return ", ".join(f"{width:.4g},{height:.4g}" for width, height in find(counts.pop(), unit))


def _rewritten(sections: Sequence[Section], changes: Mapping[int, Options]) -> bytes:
    """The file with other options in the sections whose headers stand at these lines."""
    file = sections[0].file
    try:
        # Bytes that are no UTF-8, which only comments have, stay as they are.
        text = file.read_bytes().decode("utf-8-sig", "surrogateescape")
    except OSError as error:
        raise CfgError(f"{file} cannot be read as a Darknet .cfg: {error}") from error
    stated = {section.line: section.options for section in sections}
    written: list[str] = []
    left: Options = {}  # of the section
    for number, line in enumerate(split_lines(text), start=1):
        key, end = "".join(line.partition("=")[0].split()), "\r\n" if line.endswith("\r\n") else "\n"
        if number in stated:
            left = dict(changes.get(number, {}))
            missing = [name for name in left if name not in stated[number]]
            written += [line, *_lines(left, missing, end)]
        elif key in left and "=" in line:
            written += _lines(left, [key], end)
            left[key] = None  # Darknet takes the first of two lines
        else:
            written.append(line)
    return "".join(written).encode("utf-8", "surrogateescape")


def _lines(options: Options, keys: Sequence[str], end: str) -> list[str]:
    return [f"{key}={options[key]}{end}" for key in keys if options[key] is not None]
