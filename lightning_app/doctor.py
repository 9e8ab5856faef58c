"""``dfc doctor``: what this machine has and can do, for a report of a bug or before a long run."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from netrc import NetrcParseError, netrc
from pathlib import Path

import numpy as np

from lightning_app import __version__
from lightning_app.codecs import Codec
from lightning_app.codecs.base import sample_type
from lightning_app.codecs.cores import available_cores
from lightning_app.codecs.table import BY_NAME
from lightning_app.command_parser import CommandParser
from lightning_app.errors import DfcError
from lightning_app.provenance import program_commit

PACKAGES = ("torch", "pytorch-lightning", "torchmetrics", "jsonargparse", "albumentations", "numpy", "av", "wandb")
NAMESAKE = "lightning-app"
"""A retired package of PyPI with the import name of this program (docs/decisions/import-name.md)."""
DEPTHS = (8, 10, 12)
SIDE = 64
"""Of the picture that each codec is tried on, in samples."""
WANDB_HOST = "api.wandb.ai"


def run(arguments: list[str]) -> None:
    """Parse a command line and run it."""
    make_parser().parse_args(arguments)
    for name, found in examine():
        print(f"{name + ':':<20}{found}")  # noqa: T201


def make_parser() -> CommandParser:
    """The options of ``dfc doctor``: none."""
    return CommandParser(
        "dfc doctor",
        "Print versions, codecs, cores, GPUs, the login of Weights & Biases and free disk space.",
        config=False,
    )


def examine() -> Iterator[tuple[str, str]]:
    """Each thing that was looked at, and what was found."""
    commit = program_commit()
    yield "dfc", __version__ + (f", commit {commit}" if commit else "")
    yield "Python", f"{platform.python_version()}, {platform.platform()}"
    for package in PACKAGES:
        yield package, _version(package)
    for name, make in BY_NAME.items():
        yield f"codec {name}", _tried(make)
    yield "codec HM", "needs the programs of HM: see its options encoder and decoder"
    yield "cores", f"{available_cores()} granted, of {os.cpu_count()}"
    yield "GPU", _gpus()
    yield "W&B", _login()
    if _version(NAMESAKE) != "not installed":
        yield "conflict", f"{NAMESAKE} is installed and has the same import name: remove it, then install dfc again"
    yield "free disk", f"{shutil.disk_usage(Path.cwd()).free / 1e9:.1f} GB in {Path.cwd()}"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _tried(make: Callable[..., Codec]) -> str:
    """The depths at which a picture comes back, or why none does."""
    depths, reason = [], ""
    for depth in DEPTHS:
        try:
            codec = make(depth=depth)
            _round_trip(codec, depth)
        except DfcError as error:
            reason = reason or str(error)
        else:
            depths.append(str(depth))
    return f"{', '.join(depths)} bits" if depths else f"cannot code: {reason}"


def _round_trip(codec: Codec, depth: int) -> None:
    picture = np.arange(SIDE * SIDE).reshape(SIDE, SIDE) % 2**depth
    try:
        qp = codec.check_qp(None)
    except DfcError:  # never lossless: by any quality
        qp = codec.check_qp(50)
    codec.decode(codec.encode(picture.astype(sample_type(depth)), qp))


def _gpus() -> str:
    import torch  # seconds

    names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return ", ".join(names) or f"none that torch {torch.__version__} can use"


def _login() -> str:
    """Whether Weights & Biases has a key, without asking its server."""
    if os.environ.get("WANDB_API_KEY"):
        return "a key is in WANDB_API_KEY"
    try:
        known = netrc().authenticators(WANDB_HOST)
    except (OSError, NetrcParseError):
        known = None
    return f"a key for {WANDB_HOST} is in ~/.netrc" if known else "not logged in: `wandb login`, or WANDB_MODE=offline"
