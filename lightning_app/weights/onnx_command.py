"""``dfc weights onnx``: parse its command line, fill the network and the transform, and export them."""

from __future__ import annotations

import sys
from pathlib import Path

from jsonargparse import Namespace

from lightning_app.checkpoint import check_found, load_model
from lightning_app.command_parser import CommandParser
from lightning_app.errors import OptionError
from lightning_app.graph import Passthrough, SplitDetector
from lightning_app.transforms import FeatureTransform
from lightning_app.weights.command import say_written
from lightning_app.weights.files import is_checkpoint, read
from lightning_app.weights.onnx import export


def run_onnx(arguments: list[str]) -> None:
    """Parse a command line and run it."""
    parser = make_parser()
    options = parser.parse_args(arguments)
    if options.split is None:
        for name in ("passthrough", "transform"):
            if getattr(options, name) is not None:
                raise OptionError(f"--{name} says what is sent at a cut: give --split too, or leave it out")
    options = parser.instantiate_classes(options)
    passthrough: Passthrough = options.passthrough or "reduced"
    network = _filled(options, passthrough)
    for path in export(network.eval(), options.output, options.split, passthrough, options.transform):
        say_written(path)


def make_parser() -> CommandParser:
    """The options of ``dfc weights onnx``."""
    parser = CommandParser(
        "dfc weights onnx",
        "Export whole.onnx, or with --split front.onnx and back.onnx. Inputs and outputs bear the names of "
        "their layers, the picture is `images`; batch, rows and columns are free. Opset 18.",
    )
    parser.add_argument("file", type=Path, help="Darknet .weights, or a checkpoint (.ckpt)")
    parser.add_argument(
        "--network",
        type=SplitDetector | str | None,
        default=None,
        help="Darknet .cfg of the network, or the class path of another detector; may be left out for a checkpoint "
        "whose own .cfg is where it was in training",
    )
    parser.add_argument("--split", type=str | None, default=None, help="layer to cut behind, such as max_7")
    parser.add_argument(
        "--passthrough",
        type=Passthrough | None,
        default=None,
        metavar="{reduced,full}",
        help="the second tensor that is sent where a later layer joins an earlier one, as --model.channel.passthrough; "
        "reduced if it is not given",
    )
    parser.add_argument(
        "--transform",
        type=FeatureTransform | None,
        default=None,
        help="class path of the feature transform that the checkpoint was trained with; not given for none",
    )
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for the .onnx files")
    return parser


def _filled(options: Namespace, passthrough: Passthrough) -> SplitDetector:
    """The network with the weights of the file; the transform gets its own."""
    network: SplitDetector
    if isinstance(options.network, SplitDetector):
        network = options.network
    else:
        loaded = read(options.file, Path(options.network) if options.network else None)
        loaded.check_reaches(options.file, len(loaded.network.nodes))
        network = loaded.network
    if options.transform is not None:
        crossing = network.split(options.split, passthrough).crossing
        options.transform.prepare(network.shapes(crossing), network)
    # A checkpoint may hold a transform that nobody asked for, which is said.
    if options.transform is not None or isinstance(options.network, SplitDetector) or is_checkpoint(options.file):
        for sentence in load_model(network, options.file, options.transform):
            print(sentence, file=sys.stderr)  # noqa: T201
    check_found(options.transform, str(options.file))
    return network
