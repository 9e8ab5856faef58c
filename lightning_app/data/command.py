"""``dfc data``: fetch VOC, check a devkit, make one of own pictures, adapt a network to it, draw the set of shapes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from lightning_app.data import own_command
from lightning_app.data.annotation import VOC_CLASSES
from lightning_app.data.check_command import check
from lightning_app.data.download import DEVKIT, VOC, install
from lightning_app.data.names import read_names
from lightning_app.data.shapes import draw
from lightning_app.plain_parser import PlainParser


def run(arguments: list[str]) -> None:
    """Parse a command line and run it."""
    options = make_parser().parse_args(arguments)
    if options.command == "download":
        download(options.root, options.years, options.mirror)
    elif options.command == "check":
        classes = VOC_CLASSES if options.classes is None else read_names(options.classes)
        check(options.root, classes, options.draw)
    elif options.command == "convert":
        own_command.run_convert(options)
    elif options.command == "adapt":
        own_command.run_adapt(options)
    else:
        make(options.root, options.train_pictures, options.test_pictures, options.seed, options.side)


def make_parser() -> PlainParser:
    """The options of ``dfc data``."""
    parser = PlainParser(prog="dfc data", description="Fetch, check and make pictures with boxes.")
    commands = parser.add_subparsers(dest="command", required=True)
    fetch = commands.add_parser("download", help="fetch VOC; a download that broke goes on where it stopped")
    fetch.add_argument(
        "what", choices=["voc"], help="voc: VOC2007 with its test set, and VOC2012, 2.9 GB; unpacking needs 4.9 GB"
    )
    fetch.add_argument(
        "--root", type=Path, default=Path("data"), help="folder in which VOCdevkit is made (default: %(default)s)"
    )
    fetch.add_argument(
        "--years", type=int, nargs="+", choices=sorted(VOC), default=sorted(VOC), help="years to fetch (default: both)"
    )
    fetch.add_argument(
        "--mirror", metavar="URL", help="URL of a folder with the .tar files, for when VOC's own host is down"
    )
    checked = commands.add_parser("check", help="read every picture and annotation of a devkit")
    checked.add_argument("root", type=Path, help="the devkit, which is the folder that holds VOC2007")
    checked.add_argument(
        "--classes",
        type=Path,
        metavar="FILE",
        help="file with the names of the classes, one per line, or a .tree (default: VOC's twenty)",
    )
    checked.add_argument(
        "--draw", type=Path, metavar="FOLDER", help="also write up to 100 pictures with their boxes into this folder"
    )
    made = commands.add_parser("make", help="draw a small set of shapes, a devkit of five classes")
    made.add_argument("what", choices=["shapes"], help="shapes: five classes of shapes in front of clouds")
    made.add_argument(
        "--root", type=Path, default=Path("data/shapes"), help="folder of the devkit to make (default: %(default)s)"
    )
    made.add_argument(
        "--train_pictures", type=int, default=600, help="number of pictures to train on (default: %(default)s)"
    )
    made.add_argument(
        "--test_pictures", type=int, default=150, help="number of pictures to test on (default: %(default)s)"
    )
    made.add_argument("--seed", type=int, default=0, help="seed of the drawing (default: %(default)s)")
    made.add_argument("--side", type=int, default=160, help="side of a picture in pixels (default: %(default)s)")
    own_command.add_convert(commands)
    own_command.add_adapt(commands)
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
