"""One layer in a graph."""

from __future__ import annotations

from dataclasses import dataclass

IMAGE = -1
"""The index that stands for the input image."""

Shape = tuple[int, int, int]
"""C, N, M: channels, rows and columns of a tensor of features."""


@dataclass(frozen=True)
class Node:
    """One layer in the graph.

    Attributes:
        index: number of the layer, from 0, in the order in which layers run.
        name: any text, each once in a graph: ``max_7``, ``backbone.layer3``.
        inputs: indices of the layers that it takes, `IMAGE` for the input image.
        shape: of its output for an image of the network's own size.
        alias: its output is its one input itself.
        crosses: its output is a tensor of features (B, C, N, M), which can be sent; else ``shape`` means nothing.
    """

    index: int
    name: str
    inputs: tuple[int, ...]
    shape: Shape
    alias: bool = False
    crosses: bool = True
