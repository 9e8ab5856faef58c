"""One parser over all commands, and the script that shtab writes of it."""

from __future__ import annotations

import argparse

import shtab

from lightning_app import cli, doctor
from lightning_app.completion import command as completion
from lightning_app.completion.values import complete_values
from lightning_app.data import command as data
from lightning_app.profiling import command as profiling
from lightning_app.report import command as report
from lightning_app.transmit import command as transmit
from lightning_app.transmit import show
from lightning_app.weights import command as weights
from lightning_app.weights import onnx_command


def script(shell: str) -> str:
    """The script of a shell.

    Args:
        shell: bash or zsh.
    """
    root = argparse.ArgumentParser(
        prog="dfc", description="train and measure object detectors; a real video codec codes the features at a cut"
    )
    root.add_argument("--version", action="version", version="", help="print the version")
    commands = root.add_subparsers()
    for name, parser in parsers().items():
        for below in [parser, *subcommands(parser).values()]:
            complete_values(below)
        commands.add_parser(name, help=parser.description)
        commands.choices[name] = parser
    text: str = shtab.complete(root, shell)
    return text


def parsers() -> dict[str, argparse.ArgumentParser]:
    """The parser of each command."""
    return {
        **subcommands(cli.make_parser()),
        "encode": transmit.make_encode_parser(),
        "decode": transmit.make_decode_parser(),
        "show": show.make_parser(),
        "profile": profiling.make_parser(),
        "report": report.make_parser(),
        "weights": _weights(),
        "data": data.make_parser(),
        "doctor": doctor.make_parser(),
        "completion": completion.make_parser(),
    }


def subcommands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The parsers below one, by name: what is in them is that parser's."""
    groups = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return groups[0].choices if groups else {}


def _weights() -> argparse.ArgumentParser:
    parser = weights.make_parser()
    subcommands(parser)["onnx"] = onnx_command.make_parser()
    return parser
