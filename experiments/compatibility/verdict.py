"""One ``.cfg``: whether it is built, and how far its outputs are from OpenCV's on the same random weights."""

from __future__ import annotations

import re
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from math import ceil, log2
from pathlib import Path

import cv2
import torch
from torch import Tensor, nn

from lightning_app.darknet import Network, save_weights
from lightning_app.errors import CfgError
from lightning_app.graph import Node

EQUAL = 1e-4
"""Largest difference of an output, relative to its largest value, at which it counts as OpenCV's."""


@dataclass(frozen=True)
class Verdict:
    """What became of a file.

    Attributes:
        family: what the network is, by its sections.
        layers: how many it has; 0 if it is not built.
        reason: why it is not built; "" if it is.
        difference: from OpenCV, the largest of all outputs, relative to each one's largest value; NaN if OpenCV does
            not read the file, or it is not built.
    """

    family: str
    layers: int
    reason: str
    difference: float


def judge(path: Path) -> Verdict:
    """Build the network of a file, and run it here and in OpenCV."""
    text = path.read_bytes().decode("utf-8", "replace")
    with tempfile.TemporaryDirectory() as folder:
        # Of a tree only the detections depend, and it is another file.
        plain = Path(folder) / "net.cfg"
        plain.write_text(re.sub(r"(?m)^\s*tree\s*=.*$", "", text), "utf-8")
        try:
            network = Network.from_cfg(plain)
        except CfgError as error:
            return Verdict(family(text), 0, str(error).removeprefix(f"{plain}:").strip(), float("nan"))
        return Verdict(family(text), len(network.nodes), "", _difference(network.eval(), plain))


def family(text: str) -> str:
    """What a network is, by its sections and options."""
    sections = {name.lower() for name in re.findall(r"(?m)^\s*\[(\w+)\]", text)}
    options = {re.sub(r"\s", "", line) for line in text.splitlines()}
    if "gaussian_yolo" in sections:
        return "Gaussian YOLOv3"
    if "yolo" in sections:
        if "new_coords=1" in options:
            return "scaled YOLOv4, YOLOv7"
        v4 = any(option.startswith(("iou_loss=", "scale_x_y=")) for option in options)
        return "YOLOv4" if v4 else "YOLOv3"
    if "region" in sections:
        return "YOLO9000" if any(option.startswith("tree=") for option in options) else "YOLOv2"
    if "detection" in sections:
        return "YOLOv1"
    return "classifier" if sections & {"softmax", "cost", "logistic"} else "other"


def _difference(network: Network, cfg: Path) -> float:
    _randomise(network)
    weights = cfg.with_suffix(".weights")
    save_weights(network, weights)
    image, ours = _run(network)
    try:
        net = cv2.dnn.readNetFromDarknet(str(cfg), str(weights))
        net.setInput(image.numpy())
        theirs = net.forward([_end(net, _made_by(network, index)) for index in network.outputs])
    except (cv2.error, ValueError):  # it does not read the file, or has no layer of the name
        return float("nan")
    if any(tuple(a.shape) != b.shape for a, b in zip(ours, theirs, strict=True)):
        return float("inf")
    return max(float(abs(a.numpy() - b).max() / abs(b).max()) for a, b in zip(ours, theirs, strict=True))


def _run(network: Network) -> tuple[Tensor, tuple[Tensor, ...]]:
    """A picture and the outputs for it: a small one or, where the network's layers do not fit that, one of its size."""
    for size in (_small(network), network.size):
        image = torch.rand(1, network.channels, *size, generator=torch.Generator().manual_seed(1))
        with suppress(RuntimeError), torch.no_grad():
            return image, network(image)
    raise RuntimeError("the network does not run at its own size")


def _end(net: cv2.dnn.Net, node: Node) -> str:
    """The name in OpenCV of what a layer gives: its batch norm, ``bn_7``, and activation, ``mish_8``, follow it."""
    names = list(net.getLayerNames())
    place = names.index(node.name)
    parts = re.compile(rf"bn_{node.index}|(logistic|mish|relu|swish|tanh)_{node.index + 1}")
    while place + 1 < len(names) and parts.fullmatch(names[place + 1]):
        place += 1
    return str(names[place])


def _randomise(network: Network) -> None:
    """Values also where initial ones are 0 or 1, and OpenCV's addition to the variances."""
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eps = 1e-6
                for tensor in (*module.parameters(), module.running_mean, module.running_var):
                    assert tensor is not None
                    tensor.uniform_(0.5, 1.5, generator=generator)
            elif isinstance(module, nn.Conv2d) and module.bias is not None:
                module.bias.uniform_(-0.5, 0.5, generator=generator)


def _small(network: Network) -> tuple[int, int]:
    """Rows and columns of a picture of two by three cells of the coarsest features."""
    rows = [node.shape[1] for node in network.nodes if node.shape[1] > 1]
    stride = 2 ** ceil(log2(network.size[0] / min(rows)))
    return 2 * stride, 3 * stride


def _made_by(network: Network, index: int) -> Node:
    """The node whose output a layer hands on."""
    node = network.nodes[index]
    return _made_by(network, node.inputs[0]) if node.alias else node
