"""What a container says, and what each part of it costs, for a person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from lightning_app.bitstream import VERSION, ContainerHeader, SentTensor, pack
from lightning_app.codecs.hevc_payload import sizes
from lightning_app.codecs.hevc_payload import unpack as unpack_hevc
from lightning_app.codecs.varint import write_varint
from lightning_app.graph import SplitDetector
from lightning_app.tiling import layout_name

CHECKSUM = 4
"""Bytes at the end of a container."""


class Part(NamedTuple):
    """Some bytes of a container, and what they are."""

    name: str
    size: int


def settings(header: ContainerHeader, network: SplitDetector | None = None) -> Iterator[tuple[str, str]]:
    """What a container says once, by its name.

    Args:
        header: of the container.
        network: that it was made with, for the name of the layer; None where it is not known.
    """
    height, width = header.size
    layer = f"layer {header.split}" if network is None else f"{network.nodes[header.split].name}, layer {header.split}"
    yield "version", str(VERSION)
    yield "picture", f"{width}×{height} pixels, {'letterboxed' if header.letterbox else 'stretched'} for the network"
    yield "cut behind", layer
    yield "passthrough", header.passthrough
    yield "layout", layout_name(header.layout, header.group)
    yield "depth", "float32 samples" if header.depth == 32 else f"{header.depth} bits per sample"
    yield "minimum", "0, not sent" if header.zero_min else "sent" if header.depth != 32 else "not needed"
    yield "transform", "yes" if header.transformed else "none"
    yield "codec", header.codec
    yield "QP", "lossless" if header.qp is None else str(header.qp)


def hevc_settings(tensor: SentTensor) -> str:
    """What an HEVC payload says of itself."""
    header = unpack_hevc(tensor.payload).header
    shape = "×".join(map(str, header.shape))
    lossless = ", lossless" if header.lossless else ""
    return f"{header.settings}, {header.prediction}, {header.depth} bits{lossless}, {shape} samples"


def without_network(header: ContainerHeader, data: bytes) -> list[Part]:
    """What can be told of a container's bytes without the shapes of its tensors."""
    first = _header_size(header)
    return [
        Part("container's header", first),
        Part("ranges and payloads", len(data) - first - CHECKSUM),
        Part("checksum", CHECKSUM),
    ]


def with_network(header: ContainerHeader, tensors: Sequence[SentTensor], names: Sequence[str]) -> list[Part]:
    """Every byte of a container.

    Args:
        header: of the container.
        tensors: in it.
        names: of the layers that made them.
    """
    parts = [Part("container's header", _header_size(header))]
    for i, (tensor, name) in enumerate(zip(tensors, names, strict=True), start=1):
        of = f" of {name}" if len(tensors) > 1 else ""
        parts.append(Part(f"range{of}", 0 if header.depth == 32 else 4 if header.zero_min else 8))
        parts.append(Part(f"payload's length{of}", len(write_varint(len(tensor.payload))) if i < len(tensors) else 0))
        inside = sizes(tensor.payload) if header.codec == "HEVC" else {"": len(tensor.payload)}
        parts += [Part(f"payload's {part}{of}" if part else f"payload{of}", size) for part, size in inside.items()]
    return [part for part in [*parts, Part("checksum", CHECKSUM)] if part.size]


def _header_size(header: ContainerHeader) -> int:
    return len(pack(header, [])) - CHECKSUM
