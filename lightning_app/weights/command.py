"""``dfc weights``: ``inspect``, ``convert`` and ``onnx``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console

from lightning_app.errors import OptionError
from lightning_app.weights.convert import convert
from lightning_app.weights.files import read
from lightning_app.weights.inspect import layer_table, remarks
from lightning_app.weights.onnx import export

WIDE = 160
"""Columns of a table that goes to a file or a pipe, which have no width."""


def run(arguments: list[str]) -> None:
    """Parse a command line and run it."""
    parser = argparse.ArgumentParser(prog="dfc weights", description="Look into weights, convert them, export ONNX.")
    actions = parser.add_subparsers(required=True, metavar="{inspect,convert,onnx}")
    _add_inspect(actions.add_parser("inspect", help="layers, shapes and statistics of a weights file"))
    _add_convert(actions.add_parser("convert", help="Darknet weights to a checkpoint, or back"))
    _add_onnx(actions.add_parser("onnx", help="the network as ONNX, whole or as front and back"))
    options = parser.parse_args(arguments)
    options.action(options)


def _add_inspect(parser: argparse.ArgumentParser) -> None:
    parser.description = "Print the layers of a weights file: shapes, how many values, statistics of the weights."
    parser.add_argument("file", type=Path, metavar="FILE", help="Darknet .weights, or a checkpoint (.ckpt)")
    _add_network(parser)
    parser.set_defaults(action=_inspect)


def _inspect(options: argparse.Namespace) -> None:
    loaded = read(options.file, options.network)
    console = Console(width=None if sys.stdout.isatty() else WIDE)
    console.print(layer_table(options.file, loaded))
    for sentence in remarks(loaded):
        console.print(sentence, markup=False, soft_wrap=True)


def _add_convert(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Convert Darknet weights to a checkpoint, or a checkpoint to Darknet weights, bit for bit. The checkpoint goes "
        "to --model.weights of any command, and to --ckpt_path of validate, test and predict; it has no run to resume."
    )
    parser.add_argument("source", type=Path, metavar="IN", help="Darknet .weights, or a checkpoint (.ckpt)")
    parser.add_argument("target", type=Path, metavar="OUT", help="the same; a file that is there is not overwritten")
    _add_network(parser)
    parser.add_argument(
        "--upto",
        type=int,
        metavar="N",
        help="write Darknet weights of the layers before layer N alone, with no pictures seen, as Darknet's `partial`",
    )
    parser.set_defaults(action=_convert)


def _convert(options: argparse.Namespace) -> None:
    convert(options.source, options.target, options.network, options.upto)
    _say_written(options.target)


def _add_onnx(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Export whole.onnx, or with --split front.onnx and back.onnx. Inputs and outputs bear the names of their "
        "layers, the picture is `images`; batch, rows and columns are free. Opset 18."
    )
    parser.add_argument("file", type=Path, metavar="WEIGHTS", help="Darknet .weights, or a checkpoint (.ckpt)")
    _add_network(parser)
    parser.add_argument("--split", metavar="LAYER", help="layer to cut behind, such as max_7 (default: no cut)")
    parser.add_argument(
        "--passthrough",
        choices=("reduced", "full"),
        help="what crosses beside the split, as --model.channel.passthrough (default: reduced)",
    )
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER", help="for the .onnx files")
    parser.set_defaults(action=_export)


def _export(options: argparse.Namespace) -> None:
    if options.passthrough and options.split is None:
        raise OptionError("--passthrough says what crosses a cut: give --split too, or leave it out")
    loaded = read(options.file, options.network)
    loaded.check_reaches(options.file, len(loaded.network.nodes))
    for path in export(loaded.network, options.output, options.split, options.passthrough or "reduced"):
        _say_written(path)


def _add_network(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--network",
        type=Path,
        metavar="NET.cfg",
        help="Darknet .cfg of the network; may be left out for a checkpoint whose own .cfg is where it was in training",
    )


def _say_written(path: Path) -> None:
    Console().print(f"Written to {path}", markup=False, soft_wrap=True)
