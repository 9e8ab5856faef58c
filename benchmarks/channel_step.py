"""What the codec adds to a training step, by the settings `paper` and `fastest`; on a GPU, if there is one.

And the cores by which the coding takes as long as the step itself: so many for each GPU hide it.
"""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median

import torch

from benchmarks.clock import pairwise
from benchmarks.overlap import SPLIT, step_seconds, step_work
from benchmarks.rows import Row
from lightning_app.channel import FeatureChannel
from lightning_app.codecs import HEVC, QP, Picture, available_cores, code

TURNS = 3
CODECS = {"paper": HEVC(), "fastest": HEVC(settings="fastest")}


def run(shared: Path, output: Path) -> list[Row]:  # noqa: ARG001
    """The coding itself, and the step with it; on a CPU every core both computes and codes."""
    work = step_work(shared)
    coding = {name: [_cpu_seconds(codec, work) for _ in range(TURNS)] for name, codec in CODECS.items()}
    turns = [
        (step_seconds(shared, None), *(step_seconds(shared, _channel(codec)) for codec in CODECS.values()))
        for _ in range(TURNS)
    ]
    plain, *with_codec = (list(seconds) for seconds in zip(*turns, strict=True))
    steps = dict(zip(CODECS, with_codec, strict=True))
    return [
        _coding_row(coding, len(work)),
        *(_step_row(name, seconds, plain) for name, seconds in steps.items()),
        *(_cores_row(name, seconds, plain) for name, seconds in coding.items()),
    ]


def _channel(codec: HEVC) -> FeatureChannel:
    return FeatureChannel(SPLIT, training_codec=codec)


def _coding_row(coding: dict[str, list[float]], pictures: int) -> Row:
    return Row(
        f"CPU time of coding a training picture of yolo-lite at {SPLIT}, `training_codec` HEVC `fastest`",
        "HEVC `paper`, encode and decode, random QPs",
        "ms",
        1000 * median(coding["fastest"]) / pictures,
        1000 * median(coding["paper"]) / pictures,
        pairwise(coding["fastest"], coding["paper"]),
        "≤",
        0.40,
    )


def _step_row(name: str, seconds: list[float], plain: list[float]) -> Row:
    return Row(
        f"a training step of yolo-lite with the channel at {SPLIT}, HEVC `{name}`, all cores",
        "the same step without a channel",
        "s",
        median(seconds),
        median(plain),
        pairwise(seconds, plain),
        "≤",
        1.5 if name == "fastest" else None,
    )


def _cores_row(name: str, coding: list[float], plain: list[float]) -> Row:
    return Row(
        f"cores that code by HEVC `{name}` as fast as {_device()} trains yolo-lite",
        "CPU seconds of coding a step ÷ seconds of the step without a channel",
        "s",
        median(coding),
        median(plain),
        median(coding) / median(plain),
        "≤",
    )


def _device() -> str:
    return torch.cuda.get_device_name() if torch.cuda.is_available() else f"{available_cores()} cores"


def _cpu_seconds(codec: HEVC, work: list[tuple[Picture, QP]]) -> float:
    start = time.process_time()
    for picture, qp in work:
        code(codec, picture, qp)
    return time.process_time() - start
