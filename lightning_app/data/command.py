"""``dfc data``: fetch VOC, check a devkit, make one of own pictures, adapt a network to it, draw the set of shapes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from rich.console import Console

from lightning_app.command_parser import CommandParser
from lightning_app.data import own_command
from lightning_app.data.annotation import VOC_CLASSES
from lightning_app.data.check_command import check
from lightning_app.data.download import DEVKIT, VOC, install
from lightning_app.data.names import read_names
from lightning_app.data.shapes import draw


def run(arguments: list[str]) -> None:
    """Parse a command line and run it."""
    given = make_parser().parse_args(arguments)
    options = given[given.subcommand]
    if given.subcommand == "download":
        download(options.folder, options.years, options.mirror)
    elif given.subcommand == "check":
        classes = VOC_CLASSES if options.classes is None else read_names(options.classes)
        check(options.root, classes, options.draw)
    elif given.subcommand == "convert":
        own_command.run_convert(options)
    elif given.subcommand == "adapt":
        own_command.run_adapt(options)
    else:
        make(options.root, options.train_pictures, options.test_pictures, options.seed, options.side)


def make_parser() -> CommandParser:
    """The options of ``dfc data``."""
    parser = CommandParser("dfc data", "Fetch, check and make pictures with boxes.", config=False)
    parser.subcommand(_download_parser(), "fetch VOC; a download that broke goes on where it stopped")
    parser.subcommand(_check_parser(), "read every picture and annotation of a devkit")
    parser.subcommand(_make_parser(), "draw a small set of shapes, a devkit of five classes")
    parser.subcommand(own_command.convert_parser(), "a devkit of pictures with .xml files, YOLO text or COCO JSON")
    parser.subcommand(own_command.adapt_parser(), "a network for one's own classes")
    return parser


def _download_parser() -> CommandParser:
    parser = CommandParser("dfc data download", "Fetch VOC; a download that broke goes on where it stopped.")
    parser.add_argument(
        "what",
        type=Literal["voc"],
        metavar="SET",
        help="voc: VOC2007 with its test set, and VOC2012, 2.9 GB; unpacking needs 4.9 GB",
    )
    parser.add_argument("--folder", type=Path, default=Path("data"), help="folder in which VOCdevkit is made")
    parser.add_argument(
        "--years", type=int, nargs="+", choices=sorted(VOC), default=sorted(VOC), help="years to fetch (default: both)"
    )
    parser.add_argument(
        "--mirror", type=str, metavar="URL", help="URL of a folder with the .tar files, for when VOC's own host is down"
    )
    return parser


def _check_parser() -> CommandParser:
    parser = CommandParser("dfc data check", "Read every picture and annotation of a devkit.")
    parser.add_argument("root", type=Path, help="the devkit, which is the folder that holds VOC2007")
    parser.add_argument(
        "--classes",
        type=Path,
        metavar="FILE",
        help="file with the names of the classes, one per line, or a .tree (default: VOC's twenty)",
    )
    parser.add_argument(
        "--draw", type=Path, metavar="FOLDER", help="also write up to 100 pictures with their boxes into this folder"
    )
    return parser


def _make_parser() -> CommandParser:
    parser = CommandParser("dfc data make", "Draw a small set of shapes, a devkit of five classes.")
    parser.add_argument(
        "what", type=Literal["shapes"], metavar="SET", help="shapes: five classes of shapes in front of clouds"
    )
    parser.add_argument("--root", type=Path, default=Path("data/shapes"), help="folder of the devkit to make")
    parser.add_argument("--train_pictures", type=int, default=600, help="number of pictures to train on")
    parser.add_argument("--test_pictures", type=int, default=150, help="number of pictures to test on")
    parser.add_argument("--seed", type=int, default=0, help="seed of the drawing")
    parser.add_argument("--side", type=int, default=160, help="side of a picture in pixels")
    return parser


def download(root: Path, years: Sequence[int], mirror: str | None = None) -> None:
    """Fetch the archives of some years that are not there yet, and unpack them into ``root/VOCdevkit``.

    Raises:
        DataError: one cannot be fetched or written.
    """
    console = Console()
    for archive in (archive for year in sorted(set(years)) for archive in VOC[year]):
        done = "unpacked" if install(archive, root, mirror) else "already there"
        console.print(f"{archive.sets[-1]}: {done} in {root / DEVKIT}", soft_wrap=True)


def make(root: Path, train_pictures: int, test_pictures: int, seed: int, side: int) -> None:
    """Draw the set of shapes, unless it is there.

    Raises:
        DataError: something else is there.
    """
    folder = draw(root, train_pictures, test_pictures, seed, side)
    Console().print(f"{train_pictures} and {test_pictures} pictures in {folder}", soft_wrap=True)
