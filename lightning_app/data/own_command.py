"""``dfc data convert`` and ``adapt``: a devkit of one's own pictures, and a network for one's own classes."""

from __future__ import annotations

import shlex
from pathlib import Path

import yaml
from jsonargparse import Namespace
from rich.console import Console

from lightning_app.command_parser import CommandParser
from lightning_app.data.adapt import Adapted, adapt
from lightning_app.data.check_command import check
from lightning_app.data.conversion import NAMES, Converted, Findings, convert
from lightning_app.data.names import read_names
from lightning_app.errors import OptionError
from lightning_app.shipped import find_config

OWN = "configs/own.yaml"
"""The config that trains on such a devkit."""
CFG = "own.cfg"
"""What `convert` calls the network that it adapts, in the devkit."""
MOST = 50
"""Sentences about faulty files that are printed, at most."""


def convert_parser() -> CommandParser:
    """The options of ``dfc data convert``."""
    parser = CommandParser(
        "dfc data convert",
        "Make a VOC devkit of a folder of pictures that are annotated by VOC's .xml files, YOLO text or COCO JSON, and "
        "check it; with --network also a network for its classes.",
    )
    parser.add_argument("folder", type=Path, help="folder of the pictures, which may have subfolders")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="DEVKIT", help="folder of the devkit to make"
    )
    parser.add_argument(
        "--annotations",
        type=Path,
        metavar="PATH",
        help="folder of the annotations, or a COCO JSON (default: the folder of the pictures)",
    )
    parser.add_argument(
        "--train_share",
        type=float | None,
        default=None,
        metavar="SHARE",
        help="share of the pictures to train on, drawn at random (default: by the names of folders, or 0.8)",
    )
    parser.add_argument(
        "--classes",
        type=Path,
        metavar="FILE",
        help="names for the class numbers of YOLO text (default: of data.yaml or classes.txt)",
    )
    parser.add_argument(
        "--network",
        type=Path,
        metavar="NET.cfg",
        help=f"network that is also adapted to the classes, as DEVKIT/{CFG}; see `adapt`",
    )
    _add_weights(parser)
    return parser


def adapt_parser() -> CommandParser:
    """The options of ``dfc data adapt``."""
    parser = CommandParser(
        "dfc data adapt",
        "Write a Darknet .cfg for other classes: classes=, the filters= before the heads and, for a devkit, anchors by "
        "k-means over its training boxes. With --weights also the trained layers before the heads, as OUT.weights.",
    )
    parser.add_argument(
        "root", type=Path, nargs="?", help="the devkit to find anchors for; without it the anchors stay as they are"
    )
    parser.add_argument(
        "--network", type=Path, required=True, metavar="NET.cfg", help="network to adapt; its file stays as it is"
    )
    parser.add_argument(
        "--classes", type=Path, required=True, metavar="FILE", help="file with the names of the classes, one per line"
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="OUT.cfg", help="file of the adapted network"
    )
    _add_weights(parser)
    return parser


def _add_weights(parser: CommandParser) -> None:
    parser.add_argument("--weights", type=Path, help="weights of --network, Darknet .weights or a checkpoint")


def run_adapt(options: Namespace) -> None:
    """Write the network, and say what to type next."""
    if options.output.suffix != ".cfg":
        raise OptionError(f"-o {options.output} must end in .cfg: {options.output.with_suffix('.cfg')}")
    classes = read_names(options.classes)
    adapted = adapt(options.network, classes, options.output, options.root, options.weights)
    console = Console()
    _say_files(adapted, options.output.parent, console)
    root = Path("VOCdevkit") if options.root is None else options.root
    _say_next(_fit(root, options.classes, options.output, adapted.weights), console)


def run_convert(options: Namespace) -> None:
    """Make the devkit, check it, and say what to type next.

    Raises:
        DataError: files cannot be used, which are printed before, `MOST` at most.
    """
    if options.weights is not None and options.network is None:
        raise OptionError("--weights are those of --network: give both, or neither")
    console, findings, output = Console(), Findings(), options.output
    adapted: list[Adapted] = []

    def finish(fresh: Path, classes: tuple[str, ...]) -> None:
        if options.network is not None:
            adapted.append(adapt(options.network, classes, fresh / CFG, fresh, options.weights))

    try:
        converted = convert(
            options.folder, output, findings, options.annotations, options.train_share, options.classes, finish
        )
    finally:
        for sentence in findings.faults[:MOST]:
            console.print(sentence, soft_wrap=True, markup=False, highlight=False)
    for sentence in findings.notes:
        console.print(sentence, soft_wrap=True, markup=False, highlight=False)
    check(output, converted.classes, faults_only=True)
    for item in adapted:
        _say_files(item, output, console)
    _conclude(converted, output, adapted[0] if adapted else None, console)


def _conclude(converted: Converted, root: Path, adapted: Adapted | None, console: Console) -> None:
    names = root / NAMES
    if adapted is None:
        command = ["dfc", "data", "adapt", str(root), "--network", "NET.cfg", "--classes", str(names)]
        _say_next([*command, "-o", str(root / CFG)], console)
        return
    weights = None if adapted.weights is None else root / adapted.weights.name
    command = _fit(root, names, root / CFG, weights)
    validation = ["--data.val", "[Own/val]"] if "Own/val" in converted.sets else []
    _say_next([*command, *validation], console)


def _fit(root: Path, names: Path, cfg: Path, weights: Path | None) -> list[str]:
    """The training, with those options that the config has not."""
    config = yaml.safe_load(find_config(OWN).read_text("utf-8"))
    data = config["data"]["init_args"]
    options = {"--data.root": (root, data["root"]), "--data.classes": (names, data["classes"])}
    options["--model.network"] = (cfg, config["model"]["network"])
    command = ["dfc", "fit", "-c", OWN]
    for option, (path, default) in options.items():
        command += [] if path == Path(default) else [option, str(path)]
    return command if weights is None else [*command, "--model.weights", str(weights)]


def _say_files(adapted: Adapted, folder: Path, console: Console) -> None:
    for file, what in adapted.files.items():
        console.print(f"{folder / file.name}: {what}", soft_wrap=True, markup=False, highlight=False)


def _say_next(command: list[str], console: Console) -> None:
    console.print(f"Next: {shlex.join(command)}", soft_wrap=True, markup=False, highlight=False)
