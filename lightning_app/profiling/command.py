"""``dfc profile``: what layers cost, what crosses behind them, and which split is best over an uplink."""

from __future__ import annotations

import argparse
from pathlib import Path

from lightning_app.errors import OptionError
from lightning_app.plain_parser import PlainParser
from lightning_app.profiling.uplink import NAMED, parse_uplink
from lightning_app.shipped import find_network


def run(arguments: list[str]) -> None:
    """Parse a command line and run it."""
    parser = PlainParser(
        prog="dfc profile",
        description="Measure a network's layers and find, after Neurosurgeon, where to split it: layers.csv, cuts.csv, "
        "latency.csv and figures as PNG and SVG. The codec's time and the way of the boxes back are not counted.",
    )
    _add_network(parser)
    _add_setting(parser)
    _add_sizes(parser)
    options = parser.parse_args(arguments)
    _check(options)
    # torch and matplotlib are not needed for the help.
    from lightning_app.profiling.study import profile

    profile(options)


def _check(options: argparse.Namespace) -> None:
    if options.repeats < 1:
        raise OptionError(f"--repeats must be 1 or more, not {options.repeats}")
    if options.picture_kbpi is not None and not 0 < options.picture_kbpi < float("inf"):
        raise OptionError(f"--picture_kbpi must be above 0, not {options.picture_kbpi:g}")
    if options.qp is not None and not options.points:
        raise OptionError("--qp says which of the points are taken: give --points too, or leave it out")
    options.network = find_network(options.network)
    options.uplink = parse_uplink(options.uplink)
    options.output = options.output or Path("runs/profile") / options.network.stem


def _add_network(parser: argparse.ArgumentParser) -> None:
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
        choices=("reduced", "full"),
        default="reduced",
        help="what crosses beside a split, as --model.channel.passthrough (default: reduced)",
    )
    add(
        "--repeats",
        type=int,
        default=10,
        metavar="N",
        help="passes of which each layer's median is taken (default: 10)",
    )
    add("--device", default="cpu", help="that measures: cpu, cuda or cuda:N (default: cpu)")
    add("--output", type=Path, metavar="FOLDER", help="for CSV files and figures (default: runs/profile/NET)")


def _add_setting(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    rates = ", ".join(str(uplink) for uplink in NAMED)
    add(
        "--uplink",
        default="LTE",
        metavar="NAME|RATE",
        help=f"a rate such as 5Mbps or 800kbps, or a mean of the USA in 2017: {rates} (default: LTE)",
    )
    factor = "the {0}'s seconds are the measured seconds of this device times this: 1 if the {0} is this device"
    add("--mobile_factor", type=float, default=10, metavar="F", help=f"{factor.format('mobile')} (default: 10)")
    add("--cloud_factor", type=float, default=1, metavar="F", help=f"{factor.format('cloud')} (default: 1)")
    add("--mobile_watts", type=float, metavar="W", help="that the mobile draws while it computes, for the energy")
    add("--radio_watts", type=float, metavar="W", help="that its radio draws while it sends; both watts or neither")


def _add_sizes(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--points",
        type=Path,
        nargs="+",
        default=[],
        metavar="POINTS.csv",
        help="measured KBPI of splits and whole pictures; a split that has none sends float32, and is marked",
    )
    add(
        "--qp",
        help="the operating point of every split, such as 32, of several the one of the lowest rate (default: "
        "lossless, or where there is none the highest rate)",
    )
    add(
        "--picture_kbpi",
        type=float,
        metavar="KBPI",
        help="kilobits of the picture that cloud-only sends (default: of the points, their original files if measured)",
    )
