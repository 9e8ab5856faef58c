"""What many settings of x265 cost on real feature tiles: bits at equal distortion beside HM's, and time."""

from __future__ import annotations

import csv
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from statistics import mean

import av
import bjontegaard
import numpy as np

from benchmarks.tiles import read_tile
from lightning_app.codecs import Picture, WorkerPool
from lightning_app.codecs.stream import decode_frame, encode_frame, grey_samples
from lightning_app.codecs.x265 import SETTINGS, options, parameters

QPS = (22, 27, 32, 37)
HEADER = 6
"""Bytes that a payload of ours has in place of the parameter sets."""
PARAMETER_SETS = range(32, 35)
"""Types of NAL units."""

Options = Mapping[str, int]


@dataclass(frozen=True)
class Reference:
    """One tile at one QP by HM 16.12."""

    tile: Picture
    name: str
    qp: int
    size: int
    mse: float


@dataclass(frozen=True)
class Cost:
    """Of one set of options.

    Attributes:
        name: the options that are not those of `paper`, or the name of a setting of ours.
        papers_tools: whether it codes with CTU 16 and without RDOQ, as the paper.
        bd_rate: mean over the tiles against HM, percent.
        milliseconds: CPU time of encoding a lossy picture.
    """

    name: str
    papers_tools: bool
    bd_rate: float
    milliseconds: float


def candidates() -> dict[str, Options]:
    """Ours by their names, a grid over what matters, and single changes to the default.

    What changes nothing or is far off everywhere is left out: docs/decisions/x265.md.
    """
    found: dict[str, Options] = {name: dict(changes) for name, changes in SETTINGS.items()}
    grid = product((16, 32, 64), (2, 3, 4, 6), (0, 1), (0, 2), (1, 2))
    single: list[Options] = [
        *({"deblock": value} for value in (-2, -4)),
        {"sao": 0},
        {"tu-intra-depth": 3},
        {"rd": 5},
        {"rd": 3, "deblock": -2, "sao": 0},
        {"tskip": 0},
        {"min-cu-size": 16},
    ]
    several: Iterable[Options] = (
        {"ctu": ctu, "rd": rd, "signhide": sign, "rdoq-level": rdoq, "tu-intra-depth": depth, "deblock": -2}
        for ctu, rd, sign, rdoq, depth in grid
        if (depth == 1 or rd > 3) and (ctu > 16 or not rdoq)
    )
    for changes in (*several, *single):
        if changes not in found.values():
            found[_named(changes)] = changes
    return found


def _named(changes: Options) -> str:
    return ":".join(f"{name}={value}" for name, value in changes.items())


def read_references(shared: Path) -> list[Reference]:
    """The 8-bit tiles at the lossy QPs."""
    folder = shared / "hm-reference"
    lines = (folder / "hm-16.12-8bit.csv").read_text(encoding="utf-8").splitlines()
    return [
        Reference(
            read_tile(folder / row["tile"], 8), row["tile"], int(row["qp"]), int(row["hm_bytes"]), float(row["hm_mse"])
        )
        for row in csv.DictReader(lines)
        if row["qp"] != "lossless"
    ]


def search(references: Sequence[Reference]) -> list[Cost]:
    """The cost of every candidate, timed once, by rising time."""
    found = candidates()
    with WorkerPool() as pool:
        measured = pool.run(_measure, [(changes, references) for changes in found.values()])
    costs = []
    for (name, changes), (coded, milliseconds) in zip(found.items(), measured, strict=True):
        papers_tools = changes.get("ctu", 16) == 16 and changes.get("rdoq-level", 0) == 0
        costs.append(Cost(name, papers_tools, _bd_rate(references, coded), milliseconds))
    return sorted(costs, key=lambda cost: cost.milliseconds)


def time_again(names: Iterable[str], references: Sequence[Reference], turns: int) -> dict[str, list[float]]:
    """CPU milliseconds of a lossy picture by some candidates, turn by turn: of many, the fastest may be so by luck."""
    found = {name: changes for name, changes in candidates().items() if name in set(names)}
    with WorkerPool() as pool:
        tasks = [(changes, references) for changes in found.values()]
        measured = [[milliseconds for _, milliseconds in pool.run(_measure, tasks)] for _ in range(turns)]
    return dict(zip(found, map(list, zip(*measured, strict=True)), strict=True))


def frontier(costs: Iterable[Cost]) -> list[Cost]:
    """Those of which none is both faster and better."""
    best: list[Cost] = []
    for cost in sorted(costs, key=lambda cost: cost.milliseconds):
        if not best or cost.bd_rate < best[-1].bd_rate:
            best.append(cost)
    return best


def _measure(changes: Options, references: Sequence[Reference]) -> tuple[list[tuple[int, float]], float]:
    """Bytes and squared error of each, and the mean milliseconds of CPU that encoding took."""
    found, seconds = [], 0.0
    for reference in references:
        height, width = reference.tile.shape
        ctu = changes.get("ctu", 16)
        chosen = {**options("paper", "intra", False, height, width), **changes, "max-tu-size": min(ctu, 32)}
        frame = av.VideoFrame.from_ndarray(reference.tile, format="gray")
        start = time.process_time()
        stream = encode_frame(frame, "libx265", {"x265-params": parameters({**chosen, "qp": reference.qp})})
        seconds += time.process_time() - start
        decoded = grey_samples(decode_frame(stream, "hevc"), 8)
        error = float(np.mean((decoded.astype(float) - reference.tile) ** 2))
        found.append((_without_parameter_sets(stream), error))
    return found, 1000 * seconds / len(references)


def _without_parameter_sets(stream: bytes) -> int:
    """What of a stream we send, in bytes."""
    units = stream.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1")[1:]
    return HEADER + sum(len(unit) for unit in units if unit[0] >> 1 & 63 not in PARAMETER_SETS)


def _bd_rate(references: Sequence[Reference], found: Sequence[tuple[int, float]]) -> float:
    """Mean over the tiles of the BD-rate by PSNR, percent."""
    tiles: dict[str, list[tuple[Reference, tuple[int, float]]]] = {}
    for reference, one in zip(references, found, strict=True):
        tiles.setdefault(reference.name, []).append((reference, one))
    return mean(_of_tile(pairs) for pairs in tiles.values())


def _of_tile(pairs: Sequence[tuple[Reference, tuple[int, float]]]) -> float:
    ordered = sorted(pairs, key=lambda pair: pair[0].size)
    hm = [r.size for r, _ in ordered], [_psnr(r.mse) for r, _ in ordered]
    ours = [size for _, (size, _) in ordered], [_psnr(mse) for _, (_, mse) in ordered]
    return float(bjontegaard.bd_rate(*hm, *ours, method="pchip"))


def _psnr(mse: float) -> float:
    return float(10 * np.log10(255**2 / mse))
