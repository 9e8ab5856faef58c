"""``dfc weights``: ``inspect``, ``convert`` and ``onnx``."""

from __future__ import annotations

import sys
from pathlib import Path

from jsonargparse import Namespace
from rich.console import Console

from lightning_app.command_parser import CommandParser
from lightning_app.weights.convert import convert
from lightning_app.weights.files import read
from lightning_app.weights.inspect import layer_table, remarks

WIDE = 160
"""Columns of a table that goes to a file or a pipe, which have no width."""


def run(arguments: list[str]) -> None:
    """Parse a command line and run it."""
    if arguments[:1] == ["onnx"]:
        from lightning_app.weights.onnx_command import run_onnx  # imports all that class paths may name

        run_onnx(arguments[1:])
        return
    given = make_parser().parse_args(arguments)
    options = given[given.subcommand]
    if given.subcommand == "inspect":
        _inspect(options)
    else:
        convert(options.source, options.target, options.network, options.upto)
        say_written(options.target)


def make_parser() -> CommandParser:
    """The options of ``dfc weights``; those of ``onnx`` are in `onnx_command`."""
    parser = CommandParser("dfc weights", "Look into weights, convert them, export ONNX.", config=False)
    parser.subcommand(_inspect_parser(), "layers, shapes and statistics of a weights file")
    parser.subcommand(_convert_parser(), "Darknet weights to a checkpoint, or back")
    onnx = CommandParser("dfc weights onnx", "The network as ONNX.", config=False)
    parser.subcommand(onnx, "the network as ONNX, whole or as front and back")
    return parser


def _inspect_parser() -> CommandParser:
    parser = CommandParser(
        "dfc weights inspect",
        "Print the layers of a weights file: shapes, how many values, statistics of the weights.",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="Darknet .weights, or a checkpoint (.ckpt)")
    _add_network(parser)
    return parser


def _inspect(options: Namespace) -> None:
    loaded = read(options.file, options.network)
    console = Console(width=None if sys.stdout.isatty() else WIDE)
    console.print(layer_table(options.file, loaded))
    for sentence in remarks(loaded):
        console.print(sentence, markup=False, soft_wrap=True)


def _convert_parser() -> CommandParser:
    parser = CommandParser(
        "dfc weights convert",
        "Convert Darknet weights to a checkpoint, or a checkpoint to Darknet weights, bit for bit. The checkpoint goes "
        "to --model.weights of any command, and to --ckpt_path of validate, test and predict; it has no run to resume.",
    )
    parser.add_argument("source", type=Path, metavar="IN", help="Darknet .weights, or a checkpoint (.ckpt)")
    parser.add_argument("target", type=Path, metavar="OUT", help="the same; a file that is there is not overwritten")
    _add_network(parser)
    parser.add_argument(
        "--upto",
        type=int | None,
        default=None,
        metavar="N",
        help="write Darknet weights of only the layers before layer N, with no pictures seen, as Darknet's `partial`",
    )
    return parser


def _add_network(parser: CommandParser) -> None:
    parser.add_argument(
        "--network",
        type=Path,
        metavar="NET.cfg",
        help="Darknet .cfg of the network; may be left out for a checkpoint whose own .cfg is where it was in training",
    )


def say_written(path: Path) -> None:
    """Tell the user of a file."""
    Console().print(f"Written to {path}", markup=False, soft_wrap=True)
