"""The options and the loading of what both sides must have: network, weights and transform."""

from __future__ import annotations

import sys
from pathlib import Path

from jsonargparse import ArgumentParser

from lightning_app.bitstream import read_header
from lightning_app.checkpoint import check_found, load_model
from lightning_app.codecs import Codec
from lightning_app.darknet import read_detector
from lightning_app.graph import SplitDetector
from lightning_app.transforms import FeatureTransform
from lightning_app.transmit.cloud import split_of


def add_network(parser: ArgumentParser, required: bool = True) -> None:
    """Add ``--network`` and ``--weights``."""
    parser.add_argument(
        "--network",
        type=SplitDetector | str if required else SplitDetector | str | None,
        required=required,
        help="Darknet .cfg of the network, or the class path of another detector; the same on both sides",
    )
    parser.add_argument(
        "--weights",
        type=Path,
        required=required,
        help="weights of the network, .weights or .ckpt; the same on both sides",
    )


def add_transform_and_codec(parser: ArgumentParser) -> None:
    """Add ``--transform`` and ``--codec``, for what a container does not say."""
    parser.add_argument(
        "--transform",
        type=FeatureTransform | None,
        default=None,
        help="class path of the feature transform of the mobile side; not given for none",
    )
    parser.add_argument(
        "--codec",
        type=Codec | None,
        default=None,
        help="class path of the codec, if it is HM or one of your own; not given for the codec that the file names",
    )


def detector_of(network: SplitDetector | str) -> SplitDetector:
    """The detector of a ``.cfg``, or the one that was given, in evaluation mode; what is to be known goes to stderr."""
    detector = read_detector(network) if isinstance(network, str) else network
    for sentence in detector.notes:
        print(sentence, file=sys.stderr)  # noqa: T201
    return detector.eval()


def load(network: SplitDetector, transform: FeatureTransform | None, weights: Path) -> None:
    """Fill both from a file; what is to be known goes to stderr."""
    for sentence in load_model(network, weights, transform):
        print(sentence, file=sys.stderr)  # noqa: T201
    check_found(transform, str(weights))
    if transform is not None:
        transform.eval()


def load_for(data: bytes, network: SplitDetector, transform: FeatureTransform | None, weights: Path) -> None:
    """Fill both from a file for the cut of a container."""
    if transform is not None:
        transform.prepare(network.shapes(split_of(read_header(data), network).crossing), network)
    load(network, transform, weights)
