"""All ``.cfg`` files of a folder, each different one judged once, in a process that may end without harm."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from hashlib import sha256
from math import isnan
from pathlib import Path

from experiments.compatibility.verdict import EQUAL, Verdict, family, judge

ENDED = "the process ended while it was judged"
"""The reason of a file that OpenCV or this program did not survive."""
NOT_READ = "not read"
"""What is said of OpenCV where it has no output to compare with."""


@dataclass(frozen=True)
class Judged:
    """A row of ``networks.csv``: one file, with all of its copies.

    Attributes:
        file: the first of the copies, in the folder.
        copies: how many files have the same bytes.
        repositories: in how many folders of the first level they are.
        family: what the network is.
        layers: how many are built; 0 if it is refused.
        opencv: ``equal``, ``differs``, ``not read``, or "" if it is refused.
        difference: from OpenCV, relative to the largest value of an output; None without one.
        reason: why it is refused; "" if it is built.
    """

    file: str
    copies: int
    repositories: int
    family: str
    layers: int
    opencv: str
    difference: float | None
    reason: str


def survey(folder: Path) -> Iterator[Judged]:
    """Judge the networks of a folder, whose folders of the first level are repositories.

    A file without a ``[net]`` section, such as the settings of another program, is none.
    """
    copies: dict[str, list[Path]] = {}
    for path in sorted(path for path in folder.rglob("*.cfg") if path.is_file()):
        data = path.read_bytes()
        if b"[net]" in data or b"[network]" in data:
            copies.setdefault(sha256(data).hexdigest(), []).append(path.relative_to(folder))
    verdicts = _judged_apart([folder / paths[0] for paths in copies.values()])
    for paths, verdict in zip(copies.values(), verdicts, strict=True):
        yield _row(paths, verdict)


def _judged_apart(paths: list[Path]) -> Iterator[Verdict]:
    """Each in a process beside this one, which is replaced when a file has ended it."""
    pool = _worker()
    for path in paths:
        try:
            yield pool.submit(judge, path).result()
        except BrokenProcessPool:
            pool.shutdown()
            pool = _worker()
            text = path.read_bytes().decode("utf-8", "replace")
            yield Verdict(family(text), 0, ENDED, float("nan"))
    pool.shutdown()


def _worker() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))


def _row(paths: list[Path], verdict: Verdict) -> Judged:
    if verdict.reason:
        opencv = ""
    elif isnan(verdict.difference):
        opencv = NOT_READ
    else:
        opencv = "equal" if verdict.difference < EQUAL else "differs"
    return Judged(
        file=paths[0].as_posix(),
        copies=len(paths),
        repositories=len({path.parts[0] for path in paths}),
        family=verdict.family,
        layers=verdict.layers,
        opencv=opencv,
        difference=None if isnan(verdict.difference) else float(f"{verdict.difference:.2g}"),
        reason=verdict.reason,
    )
