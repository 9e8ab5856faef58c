"""``dfc encode`` and ``dfc decode``: the two sides as two programs."""

from __future__ import annotations

import json
from pathlib import Path

from lightning_app.bitstream import read_container
from lightning_app.channel import FeatureChannel, QPOption
from lightning_app.command_config import OF_CHANNEL
from lightning_app.command_parser import CommandParser
from lightning_app.darknet import use_class_map
from lightning_app.data import VOC_CLASSES, Resize, read_names
from lightning_app.detections import check_thresholds, with_names
from lightning_app.errors import DataError, DfcError, OptionError
from lightning_app.files import written_whole
from lightning_app.graph import SplitDetector
from lightning_app.systems import Collaborative
from lightning_app.transmit.cloud import detect_from
from lightning_app.transmit.mobile import encode_picture
from lightning_app.transmit.model import add_network, add_transform_and_codec, detector_of, load, load_for

OF_TRAINING = {"qps", "eval_qps", "training_codec", "gradient", "workers"}
"""The options of the channel that `dfc encode` has not: it codes one picture at one QP."""


def run_encode(arguments: list[str]) -> None:
    """``dfc encode PICTURE -o FILE.dfc``: the mobile side."""
    parser = make_encode_parser()
    options = parser.instantiate_classes(parser.parse_args(arguments))
    channel = FeatureChannel(qps=[options.qp], **{name: options[name] for name in OF_CHANNEL - OF_TRAINING})
    system = Collaborative(detector_of(options.network), channel)
    load(system.network, channel.transform, options.weights)
    output = options.output or options.picture.with_suffix(".dfc")
    data = encode_picture(options.picture, system.eval(), options.qp, options.resize)
    write(output, data)
    print(f"Written to {output}: {len(data)} bytes, {8 * len(data) / 1000:.2f} kilobits")  # noqa: T201


def make_encode_parser() -> CommandParser:
    """The options of ``dfc encode``."""
    parser = CommandParser("dfc encode", "Code the features of a picture: the mobile side.")
    parser.add_argument("picture", type=Path, help="file of the picture to code")
    add_network(parser)
    parser.add_argument(
        "--qp", type=QPOption, default="lossless", help="QP at which the features are coded, 0 to 51, or lossless"
    )
    parser.add_argument(
        "--resize", type=Resize, default="plain", help="way to bring the picture to the network's input"
    )
    parser.add_class_arguments(FeatureChannel, skip=OF_TRAINING)
    parser.add_argument("-o", "--output", type=Path, help="file to write; if not given, the picture's name with .dfc")
    return parser


def run_decode(arguments: list[str]) -> None:
    """``dfc decode FILE.dfc -o DETECTIONS.json``: the cloud side."""
    parser = make_decode_parser()
    options = parser.instantiate_classes(parser.parse_args(arguments))
    network, transform = detector_of(options.network), options.transform
    if options.class_map is not None:
        use_class_map(network, options.class_map)
    classes = _class_names(options.classes, network)
    data = read_container(options.file)
    thresholds = options.score_threshold, options.nms_threshold
    check_thresholds(*thresholds)
    try:
        load_for(data, network, transform, options.weights)
        found = detect_from(data, network, *thresholds, transform, options.codec)
    except DfcError as error:
        raise type(error)(f"{options.file}: {error}") from error
    output = options.output or options.file.with_suffix(".json")
    write(output, json.dumps(with_names(found, classes), indent=1).encode())
    print(f"Written to {output}: {len(found['scores'])} detections")  # noqa: T201


def make_decode_parser() -> CommandParser:
    """The options of ``dfc decode``."""
    parser = CommandParser("dfc decode", "Detect from coded features: the cloud side.")
    parser.add_argument("file", type=Path, help=".dfc file that `dfc encode` wrote")
    add_network(parser)
    parser.add_argument(
        "--classes",
        type=Path,
        help="file with the names of the classes, one per line, or a .tree; VOC's if the network has 20 classes",
    )
    parser.add_argument("--class_map", type=Path, help="Darknet's .map, which lists the classes of the tree to detect")
    parser.add_argument(
        "--score_threshold", type=float, default=0.005, help="score that a detection must exceed, 0 to 1"
    )
    parser.add_argument(
        "--nms_threshold", type=float, default=0.45, help="overlap (IoU) above which the worse box is removed"
    )
    parser.add_argument("-o", "--output", type=Path, help="JSON file to write; if not given, the name with .json")
    add_transform_and_codec(parser)
    return parser


def _class_names(path: Path | None, network: SplitDetector) -> tuple[str, ...]:
    if path is not None:
        names = read_names(path, repeats=True)
    elif network.classes == len(VOC_CLASSES):
        names = VOC_CLASSES
    else:
        raise OptionError(f"the network has {network.classes} classes and not VOC's 20: name them with --classes FILE")
    if len(names) != network.classes:
        raise OptionError(f"{path} names {len(names)} classes and the network has {network.classes}")
    try:
        network.check_classes(names)
    except OptionError as error:
        raise OptionError(f"{path}: {error}") from error
    return names


def write(path: Path, data: bytes) -> None:
    """Write a file whole, or say why it cannot be written."""
    try:
        with written_whole(path) as file:
            file.write(data)
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror}") from error
