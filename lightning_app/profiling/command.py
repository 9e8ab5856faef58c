"""``dfc profile``: the costs of layers, the sizes of the features behind them, and the best split over an uplink."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from jsonargparse import Namespace

from lightning_app.command_parser import CommandParser
from lightning_app.errors import OptionError
from lightning_app.profiling.uplink import NAMED, parse_uplink
from lightning_app.shipped import find_network


def run(arguments: list[str]) -> None:
    """Parse a command line and run it."""
    options = make_parser().parse_args(arguments)
    _check(options)
    # torch and matplotlib are not needed for the help.
    from lightning_app.profiling.study import profile

    profile(options)


def make_parser() -> CommandParser:
    """The options of ``dfc profile``."""
    parser = CommandParser(
        "dfc profile",
        "Measure a network's layers and find, after Neurosurgeon, where to split it: layers.csv, cuts.csv, "
        "latency.csv and figures as PNG and SVG. The time of the codec, and of sending the boxes back, is not counted.",
    )
    _add_network(parser)
    _add_setting(parser)
    _add_sizes(parser)
    return parser


def _check(options: Namespace) -> None:
    if options.repeats < 1:
        raise OptionError(f"--repeats must be 1 or more, not {options.repeats}")
    if options.picture_kbpi is not None and not 0 < options.picture_kbpi < float("inf"):
        raise OptionError(f"--picture_kbpi must be above 0, not {options.picture_kbpi:g}")
    if options.qp is not None and not options.points:
        raise OptionError("--qp says which of the points are taken: give --points too, or leave it out")
    options.qp = None if options.qp is None else str(options.qp)
    options.network = find_network(options.network)
    options.uplink = parse_uplink(options.uplink)
    options.output = options.output or Path("runs/profile") / options.network.stem


def _add_network(parser: CommandParser) -> None:
    add = parser.add_argument
    add("--network", type=Path, required=True, metavar="NET.cfg", help="Darknet .cfg of the network")
    add(
        "--weights",
        type=Path,
        metavar="FILE",
        help="Darknet .weights or checkpoint (default: initial weights, which take the same time)",
    )
    add(
        "--passthrough",
        type=Literal["reduced", "full"],
        default="reduced",
        help="the second tensor that is sent where a later layer joins an earlier one, as --model.channel.passthrough",
    )
    add(
        "--repeats",
        type=int,
        default=10,
        metavar="N",
        help="number of passes; the time of a layer is that of its shortest one",
    )
    add("--device", type=str, default="cpu", help="device to measure on: cpu, cuda or cuda:N")
    add(
        "-o",
        "--output",
        type=Path,
        metavar="FOLDER",
        help="folder to write CSV files and figures (default: runs/profile/NET)",
    )


def _add_setting(parser: CommandParser) -> None:
    add = parser.add_argument
    rates = ", ".join(f"{uplink.name} ({uplink.mbps:g} Mbps)" for uplink in NAMED)
    add(
        "--uplink",
        type=str,
        default="LTE",
        metavar="NAME|RATE",
        help=f"rate of the uplink, such as 5Mbps or 800kbps, or a name for a mean of the USA in 2017: {rates}",
    )
    factor = "factor by which the {0} is slower than this device: 1 if the {0} is this device"
    add("--mobile_factor", type=float, default=10, metavar="F", help=factor.format("mobile"))
    add("--cloud_factor", type=float, default=1, metavar="F", help=factor.format("cloud"))
    add(
        "--mobile_watts",
        type=float,
        metavar="W",
        help="power of the mobile while it computes, in watts, for the energy",
    )
    add(
        "--radio_watts",
        type=float,
        metavar="W",
        help="power of its radio while it sends, in watts; give both powers or neither",
    )


def _add_sizes(parser: CommandParser) -> None:
    add = parser.add_argument
    add(
        "--points",
        type=Path,
        nargs="+",
        default=[],
        metavar="POINTS.csv",
        help="files of measured points, of splits and of whole pictures; the splits in them are compared",
    )
    add(
        "--qp",
        type=int | str | None,
        default=None,
        help="QP of the points that are compared, such as 32; of several points at it, the one of the lowest rate is "
        "taken (default: lossless, or else the highest rate)",
    )
    add(
        "--picture_kbpi",
        type=float,
        metavar="KBPI",
        help="kilobits of the picture that cloud-only sends (default: from the points, of the original files if there)",
    )
