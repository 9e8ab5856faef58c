"""`dfc evaluate` against what its coding and its networks cost by themselves."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from benchmarks.clock import wall
from benchmarks.rows import Row
from lightning_app.bitstream import SentTensor
from lightning_app.channel import FeatureChannel, codec_qp, features_of
from lightning_app.codecs import available_cores
from lightning_app.darknet import Network, load_weights
from lightning_app.data import VOCDataset
from lightning_app.evaluation.judge import TRAINED
from lightning_app.systems import Collaborative

SPLIT = "max_7"
EVERY = 8
"""One picture of so many is taken apart, in one thread, for what everything costs."""


def run(shared: Path, output: Path) -> list[Row]:  # noqa: ARG001
    """YOLO-LITE at five operating points of one cut, 357 pictures, nothing coded before."""
    cores = available_cores()
    before, pictures = _costs(shared)
    with tempfile.TemporaryDirectory() as folder:
        ours, cpu = _command(shared, folder, "cold")
        again, cpu_again = _command(shared, folder, "warm", "--model.score_threshold", "0.05")
    after, _ = _costs(shared)
    cost = {name: (before[name] + after[name]) / 2 * EVERY / cores for name in before}  # s on all cores
    points = len(FeatureChannel().qps)
    what = f"`dfc evaluate`, {pictures} pictures at {points} operating points"
    coding = cost["front"] + cost["coding"]
    work = coding + cost["loading"] + cost["back"]
    stated = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in cost.items())
    return [
        Row(
            what, f"{points} × coding ÷ {cores} cores + one front", "s", ours, coding, coding / ours, "≥", 0.85, stated
        ),
        Row(
            what,
            f"the same, the loading, and {points} backs on the same cores",
            "s",
            ours,
            work,
            work / ours,
            "≥",
            0.9,
        ),
        Row(f"{what}, again with another score threshold", "the first time", "s", again, ours, again / ours, "≤", 0.15),
        Row(f"{what}, again, CPU time", "the first time", "s", cpu_again, cpu, cpu_again / cpu, "≤", 0.15),
    ]


def _command(shared: Path, folder: str, name: str, *more: str) -> tuple[float, float]:
    """Seconds of the command, from its start to its end, and of all its processes' CPU time."""
    options = {
        "data.root": shared / "VOCdevkit",
        "model.weights": shared / "weights/yolo-lite/tiny-yolov2-trial3.weights",
        "splits": f"[{SPLIT}]",
        "output": f"{folder}/{name}",
        "cache": f"{folder}/cache",
        "trainer.default_root_dir": folder,
        "trainer.logger": "false",
        "trainer.callbacks": "[]",
        "trainer.enable_progress_bar": "false",
    }
    arguments = [str(part) for name, value in options.items() for part in (f"--{name}", value)]
    command = [sys.executable, "-m", "lightning_app", "evaluate", "-c", "configs/yolo_lite.yaml", *arguments, *more]
    before = os.times()
    seconds = wall(lambda: subprocess.run(command, check=True, capture_output=True))
    after = os.times()
    return seconds, after.children_user + after.children_system - before.children_user - before.children_system


@torch.inference_mode()
def _costs(shared: Path) -> tuple[dict[str, float], int]:
    """Seconds of each kind of work on one of `EVERY` pictures, one thread."""
    torch.set_num_threads(1)
    network = Network.from_cfg("configs/networks/yolo-lite.cfg").eval()
    load_weights(network, shared / "weights/yolo-lite/tiny-yolov2-trial3.weights")
    channel = FeatureChannel(SPLIT)
    system = Collaborative(network, channel)
    data = VOCDataset(shared / "VOCdevkit", ["VOC2007/test"], network.size)
    seconds: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def counted(name: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        seconds[name] += time.perf_counter() - start

    system.back(tuple(system.features(data[0]["image"][None]).values()))  # the first pass chooses kernels
    for index in range(0, len(data), EVERY):
        with counted("loading"):
            sample = data[index]
        with counted("front"):
            inputs = channel.codec_inputs(system.features(sample["image"][None]))
        for qp in channel.qps:
            with counted("coding"):
                payloads = [channel.wire.codec.encode(one.picture, codec_qp(qp)) for one in inputs]
                pictures = [channel.wire.codec.decode(payload) for payload in payloads]
            with counted("back"):
                tensors = [SentTensor(p.shape, p.lo, p.hi, data) for p, data in zip(inputs, payloads, strict=True)]
                header = channel.header(qp)
                both = zip(tensors, pictures, strict=True)
                raws = system.back([features_of(header, tensor, picture) for tensor, picture in both])
                network.detect(raws, 0.005, 0.45)
                network.losses(raws, [sample["target"]], "darknet", TRAINED)
    return seconds, len(data)
