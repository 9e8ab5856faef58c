"""The codec pool against the most that its cores can do, and against FFmpeg's command line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from shutil import which

from benchmarks.clock import in_turns, pairwise
from benchmarks.ffmpeg import code_by_command
from benchmarks.rows import Row
from benchmarks.tiles import as_features, read_tiles
from lightning_app.channel import FeatureChannel, codec_qp
from lightning_app.codecs import HEVC, QP, Picture

BATCH, BATCHES, TURNS = 8, 4, 4
WHAT = "codec pool (416×416 and 208×416, random QP, encode and decode)"

Work = Sequence[tuple[Picture, QP]]


def run(shared: Path, output: Path) -> list[Row]:  # noqa: ARG001
    """The pool through the channel's own path: two tensors cross, each image at a random QP, batch after batch."""
    tiles = {name: 2 * read_tiles(shared, name) for name in ("max_5", "max_7")}
    features = {name: as_features(pictures, name) for name, pictures in tiles.items()}
    channel = FeatureChannel("max_7")
    draws = [channel.draw_qps(0, epoch, range(BATCH)) for epoch in range(BATCHES)]
    batches = [
        [(picture, codec_qp(qp)) for pictures in tiles.values() for picture, qp in zip(pictures, qps, strict=True)]
        for qps in draws
    ]
    ways = {
        "pool": lambda: [channel(features, qps) for qps in draws],
        "loop": lambda: code_in_process([item for batch in batches for item in batch]),
        "ffmpeg": lambda: code_by_command(batches[0]),
    }
    if which("ffmpeg") is None:
        del ways["ffmpeg"]
    with channel.pool:
        seconds = in_turns(ways, TURNS)
    pictures = {"pool": BATCHES * len(batches[0]), "loop": BATCHES * len(batches[0]), "ffmpeg": len(batches[0])}
    each = {name: [time / pictures[name] for time in times] for name, times in seconds.items()}  # s a picture
    cores = channel.pool.workers
    return [
        _row(f"{cores} × one in-process loop of libx265 and decoder", each["pool"], each["loop"], cores, 0.92),
        _row(
            "the command line of ffmpeg, temporary files, one process a picture", each["pool"], each.get("ffmpeg"), 1, 7
        ),
    ]


def code_in_process(work: Work) -> None:
    """One core's work: libx265 and FFmpeg's decoder in this process."""
    codec = HEVC()
    for picture, qp in work:
        codec.decode(codec.encode(picture, qp))


def _row(against: str, ours: list[float], theirs: list[float] | None, cores: int, bound: float) -> Row:
    if theirs is None:
        return Row(WHAT, against, "1/s", rate(ours), 0, 0, note="ffmpeg is not installed: apt-get install ffmpeg")
    return Row(WHAT, against, "1/s", rate(ours), cores * rate(theirs), pairwise(theirs, ours) / cores, "≥", bound)


def rate(seconds: list[float]) -> float:
    """Pictures a second."""
    return len(seconds) / sum(seconds)
