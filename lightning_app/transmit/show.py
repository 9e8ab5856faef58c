"""``dfc show``: what is in a ``.dfc`` file, what each part of it costs, and its tile as a picture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from lightning_app.bitstream import ContainerHeader, SentTensor, read_container, read_header, unpack
from lightning_app.codecs import Codec
from lightning_app.command_parser import CommandParser
from lightning_app.errors import DfcError, OptionError
from lightning_app.graph import SplitDetector
from lightning_app.identity import model_id
from lightning_app.pictures import to_tensor
from lightning_app.tile_pictures import Grey, ends, flat, in_range
from lightning_app.tiling import picture_shape
from lightning_app.transforms import FeatureTransform
from lightning_app.transforms.shapes import sent_shapes
from lightning_app.transmit.agreement import find_codec
from lightning_app.transmit.cloud import check_transform, split_of
from lightning_app.transmit.command import write
from lightning_app.transmit.model import add_network, add_transform_and_codec, detector_of, load_for
from lightning_app.transmit.parts import Part, hevc_settings, settings, with_network, without_network

DESCRIPTION = """\
Print the settings in a .dfc file and the bytes of each part of it. With --network and --weights the file is checked
against them, each payload has a line of its own, and -o draws the tile."""
GAP = 4
"""White rows between two tensors."""


def run(arguments: list[str]) -> None:
    """``dfc show FILE.dfc -o TILE.png``: look into a container."""
    parser = make_parser()
    options = parser.instantiate_classes(parser.parse_args(arguments))
    _check(options.network, options.weights, options.output)
    data = read_container(options.file)
    try:
        header = read_header(data)
        if options.network is None:
            _print(options.file, settings(header), without_network(header, data))
            print("Give --network and --weights to check the file and to see more of it.")  # noqa: T201
            return
        network = detector_of(options.network)
        check_transform(header, options.transform)
        load_for(data, network, options.transform, options.weights)
        names, tensors = _opened(data, network, options.transform)
        hevc = ((f"HEVC of {name}", hevc_settings(one)) for name, one in zip(names, tensors, strict=True))
        told = [*settings(header, network), *(hevc if header.codec == "HEVC" else ())]
        parts = with_network(header, tensors, names)
        picture = b""
        if options.output is not None:
            picture = _png(header, tensors, find_codec(header, options.codec))
    except DfcError as error:
        raise type(error)(f"{options.file}: {error}") from error
    _print(options.file, told, parts)
    if options.output is not None:
        write(options.output, picture)
        print(f"Written to {options.output}")  # noqa: T201


def make_parser() -> CommandParser:
    """The options of ``dfc show``."""
    parser = CommandParser("dfc show", DESCRIPTION)
    parser.add_argument("file", type=Path, help=".dfc file that `dfc encode` wrote")
    add_network(parser, required=False)
    add_transform_and_codec(parser)
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        help="PNG file to write the decoded samples to, laid out as they were coded, the darkest of them black and the "
        "brightest white",
    )
    return parser


def _check(network: SplitDetector | str | None, weights: Path | None, output: Path | None) -> None:
    if (network is None) != (weights is None):
        raise OptionError(f"--{'weights' if weights is None else 'network'} is missing: give both, or none of the two")
    if output is not None and network is None:
        raise OptionError("a .dfc file has no shapes, so that -o needs the mobile side's --network and --weights")
    if output is not None and output.suffix.lower() != ".png":
        raise OptionError(f"the tile is written as a PNG, and {output} does not end in .png: give such a name to -o")


def _opened(
    data: bytes, network: SplitDetector, transform: FeatureTransform | None
) -> tuple[list[str], list[SentTensor]]:
    """The tensors of a container, and the layers that made them."""
    shapes = sent_shapes(transform, network.shapes(split_of(read_header(data), network).crossing))
    return list(shapes), unpack(data, model_id(network, transform), list(shapes.values()))[1]


def _print(file: Path, told: Iterable[tuple[str, str]], parts: Sequence[Part]) -> None:
    for name, text in told:
        print(f"{name + ':':<20}{text}")  # noqa: T201
    total = sum(part.size for part in parts)
    print(f"\n{file}: {total:,} bytes, {8 * total / 1000:.2f} kilobits")  # noqa: T201
    width = max(len(part.name) for part in parts)
    for part in parts:
        print(f"  {part.name:<{width}}{part.size:>12,}{100 * part.size / total:>8.2f} %")  # noqa: T201


def _png(header: ContainerHeader, tensors: Sequence[SentTensor], codec: Codec) -> bytes:
    """All tensors as one grey picture, one below another."""
    greys = [_grey(header, tensor, codec) for tensor in tensors]
    width = max(grey.shape[1] for grey in greys)
    rows = [np.pad(grey, ((0, GAP), (0, width - grey.shape[1])), constant_values=255) for grey in greys]
    data = BytesIO()
    Image.fromarray(np.concatenate(rows)[:-GAP]).save(data, "PNG")
    return data.getvalue()


def _grey(header: ContainerHeader, tensor: SentTensor, codec: Codec) -> Grey:
    picture = codec.decode(tensor.payload)
    to_tensor([picture], tensor.shape, header.layout, header.group)  # refuses a picture of another shape
    cut = tuple(slice(side) for side in picture_shape(tensor.shape, header.layout, header.group))
    samples = flat(picture[cut])
    return in_range(samples, *ends(samples))
